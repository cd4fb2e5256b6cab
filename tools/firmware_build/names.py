"""Names that cost a device little."""

from __future__ import annotations

import itertools
import keyword
import string
from collections.abc import Iterator


def short_names(prefix: str) -> Iterator[str]:
    """Yield the prefix with a, b, ... z, aa, ab, ..., without what Python means by some."""
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            name = prefix + "".join(letters)
            if not keyword.iskeyword(name):
                yield name


# Names of methods, and of what is in modules, that every MicroPython has in its read-only
# memory, where they cost nothing.
_IN_READ_ONLY_MEMORY = """
    BytesIO OrderedDict StringIO acos append argv asin atan atan2 byteorder calcsize ceil center
    clear close compile copy copysign cos count decode degrees deque difference disable discard
    dump enable encode endswith exit exp extend fabs find floor flush fmod format frexp
    from_bytes fromkeys get getrandbits getvalue gmtime group heap_lock heap_unlock heapify
    heappop heappush ilistdir imag index insert intersection ioctl isalpha isdigit isdisjoint
    isenabled isfinite isinf islower isnan isspace issubset issuperset isupper items join
    kbd_intr keys ldexp listdir load localtime lower lstrip match maxsize mem_info mkdir mktime
    modf modify modules namedtuple opt_level partition path poll pop popitem popleft
    print_exception qstr_info radians read readinto readline readlines real register remove
    rename replace reverse rfind rindex rmdir rpartition rsplit rstrip schedule search seek send
    setdefault sin sort split splitlines sqrt stack_use start startswith stat statvfs stderr
    stdin stdout step stop strip symmetric_difference tan tell throw ticks_add ticks_cpu
    ticks_us time_ns to_bytes trunc unhexlify union unregister update upper value values version
    version_info write __add__ __aenter__ __aexit__ __aiter__ __and__ __anext__ __call__
    __class__ __contains__ __delitem__ __enter__ __eq__ __exit__ __floordiv__ __ge__ __getitem__
    __gt__ __hash__ __iadd__ __isub__ __iter__ __le__ __len__ __lt__ __mod__ __mul__ __ne__
    __new__ __next__ __radd__ __repr__ __setitem__ __str__ __sub__ __truediv__
"""
IN_EVERY_INTERPRETER = tuple(_IN_READ_ONLY_MEMORY.split())
