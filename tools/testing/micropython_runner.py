"""Runs plain test functions inside MicroPython; this file itself runs there.

Usage: micropython micropython_runner.py MODULE [MODULE ...]
A test module for it imports neither pytest nor hypothesis, and its tests are functions named
`test_...` without parameters. The same functions are collected by pytest on CPython.
"""

import sys


def run_module(name):
    """Run the tests of one module; return (passed, failed)."""
    module = __import__(name, None, None, ["*"])
    passed = failed = 0
    for attribute in sorted(dir(module)):
        if not attribute.startswith("test_"):
            continue
        try:
            getattr(module, attribute)()
            passed += 1
        except Exception as error:
            failed += 1
            print("FAILED", name + "." + attribute)
            sys.print_exception(error)  # type: ignore[attr-defined]
    return passed, failed


def main(names):
    """Run the modules, print the totals, exit with 1 if any test failed or none ran."""
    passed = failed = 0
    for name in names:
        more_passed, more_failed = run_module(name)
        passed += more_passed
        failed += more_failed
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
