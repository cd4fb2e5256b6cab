"""`prepay demo`: the whole story of OpenPrepay without hands, each step observed and judged."""
