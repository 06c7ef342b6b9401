# SPDX-License-Identifier: MIT
"""The compiled part: one extension for each module of ``autobahn_fast/_core``. Everything else is in pyproject.toml.

Environment: ``ABF_ONLY=frames,wire`` builds just these modules; ``ABF_SANITIZE=1`` adds ASan and UBSan and debug checks;
``ABF_COVERAGE=1`` has every line reported to a tracer.
"""

import os
import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

KERNELS = ["csrc/cpu.c", "csrc/mask.c", "csrc/utf8.c"]
HEADERS = ["csrc/abf.h", "csrc/mask.h", "csrc/utf8.h", "csrc/json_scan.h", "csrc/send.h", "csrc/pages.h"]

# module: C sources linked into it. A module reaches the kernels of another only through that module's .pxd.
MODULES = {
    "buffer": [],
    "engine": [],
    "masking": KERNELS,
    "frames_out": KERNELS,
    "frames": KERNELS,
    "sending": [],
    "packets": [],
    "codec": [],
    "msgpack": [],
    "cbor": [],
    "ubjson": [],
    "json_text": KERNELS,
    "json": [],
    "batch": [],
    "pending": [],
    "wire": [],
    "requests": [],
    "exchange": [],
    "relay": KERNELS,
}

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
    "auto_pickle": False,
    "autotestdict": False,
    "binding": False,
}

sanitize = os.environ.get("ABF_SANITIZE") == "1"
trace = os.environ.get("ABF_COVERAGE") == "1"
if trace:
    DIRECTIVES["linetrace"] = True
# sys.monitoring, which Cython would use from Python 3.12 on, is not what coverage listens to with plugins
macros = [("CYTHON_TRACE_NOGIL", "1"), ("CYTHON_USE_SYS_MONITORING", "0")] if trace else []
if sys.platform == "win32":
    compile_args = []  # /O2 is what setuptools asks of MSVC by itself; the C needs no newer standard than its default
    link_args = []
elif sanitize:
    compile_args = [
        "-O1",
        "-g",
        "-fno-omit-frame-pointer",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=undefined",
    ]
    link_args = ["-fsanitize=address,undefined"]
else:
    compile_args = ["-O3", "-fvisibility=hidden", "-Wno-unused-function"]
    link_args = []

only = [name for name in os.environ.get("ABF_ONLY", "").split(",") if name]
extensions = [
    Extension(
        f"autobahn_fast._core.{name}",
        [f"autobahn_fast/_core/{name}.pyx", *sources],
        include_dirs=["csrc"],
        depends=HEADERS,
        define_macros=macros,
        extra_compile_args=compile_args,
        extra_link_args=link_args,
    )
    for name, sources in MODULES.items()
    if (name in only if only else os.path.exists(f"autobahn_fast/_core/{name}.pyx"))
]

setup(ext_modules=cythonize(extensions, compiler_directives=DIRECTIVES))
