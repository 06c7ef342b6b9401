#!/bin/sh
# SPDX-License-Identifier: MIT
# Tests of the compiled core with AddressSanitizer and UndefinedBehaviorSanitizer. Fails on a failing test and on every
# report of a sanitizer; ASan's are seen in processes that tests start, too.
#
#   [PYTHON=python3] [CC=gcc] tests/sanitize.sh [MORE_TESTS_OR_PYTEST_OPTIONS...]
#
# PYTHON must have what the build and the tests need. Everything happens in a copy of the tree, .work/sanitize, so that
# the normal build stays as it is; what has not changed since the last run is not built again.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
work=$root/.work/sanitize
python=${PYTHON:-python3}
case $python in
    */*) python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python") ;;
esac
CC=${CC:-gcc}
export CC

preload=$($CC -print-file-name=libasan.so)
if [ ! -e "$preload" ]; then
    echo "sanitize: $CC has no libasan.so; this needs gcc with its sanitizer libraries, on Linux" >&2
    exit 2
fi

echo "== copying to $work"
mkdir -p "$work"
cmp -s "$root/setup.py" "$work/setup.py" || rm -rf "$work/autobahn_fast" "$work/build"
rm -rf "$work/tests" "$work/csrc" "$work"/report.*
find "$work" -name '*.py[xi]' -delete -o -name '*.pxd' -delete -o -name '*.py' -delete
# modification times are kept: they tell what is to be built again
(cd "$root" && tar cf - --exclude='*.so' --exclude='*.pyd' --exclude='_core/*.c' --exclude='__pycache__' \
    setup.py pyproject.toml autobahn_fast csrc tests) | (cd "$work" && tar xf -)

echo "== building with sanitizers"
cd "$work"
touch README.md LICENSE # pyproject.toml names them, the build does not read them
if ! ABF_SANITIZE=1 "$python" setup.py -q build_ext --inplace -j 2 >build.log 2>&1; then
    cat build.log >&2
    exit 1
fi

echo "== testing"
PYTHONPATH=$work
PYTHONMALLOC=malloc # pymalloc's arenas would hide overruns
PYTHONDONTWRITEBYTECODE=1
ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:detect_stack_use_after_return=1:log_path=$work/report
UBSAN_OPTIONS=print_stacktrace=1
export PYTHONPATH PYTHONMALLOC PYTHONDONTWRITEBYTECODE ASAN_OPTIONS UBSAN_OPTIONS
status=0
# UBSan reports to stderr whatever log_path says, so that must not be captured. A process it stops exits with 1.
# Hypothesis' profile "ci" has no deadline for a single example: everything is several times slower here.
env LD_PRELOAD="$preload" "$python" -c '
import sys
from autobahn_fast._core import masking
if not masking.__file__.startswith(sys.argv[1]):
    sys.exit(f"sanitize: tests would run with {masking.__file__}")
' "$work" &&
    env LD_PRELOAD="$preload" "$python" -m pytest -q -p no:cacheprovider --capture=sys -o timeout=600 \
        --hypothesis-profile=ci tests/core "$@" || status=$?

for report in "$work"/report.*; do
    [ -e "$report" ] || continue
    echo "== $report" >&2
    cat "$report" >&2
    status=1
done
if [ "$status" = 0 ]; then echo "== no reports"; else echo "== failed" >&2; fi
exit "$status"
