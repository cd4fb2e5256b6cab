"""How every page looks: stylesheet, base template, components and the words for figures."""
