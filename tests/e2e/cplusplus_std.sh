# C++'s own threads, locks, atomics, futures, exceptions, static objects, destructors, coroutines.
. tests/e2e/lib
command -v g++ >/dev/null 2>&1 || { echo "no g++ here"; exit 77; }
each() { # COMPILER FLAGS
    # shellcheck disable=SC2086
    try env GOC_CC="$1" "$race" c++ -g $2 tests/e2e/cplusplus_std.cc -o "$work/std"
    want_status 0
    for does in exceptions destructors guards conditions shared atomics once futures pointers library coroutines; do
        case $does,$2 in coroutines,*c++17*) continue ;; esac
        try "$race" "$work/std" $does
        want_status 66
        want_out end
        try "$race" "$work/std" $does fixed
        want_status 0
        want_out end
        want_silence
    done
}
each g++ "-std=c++20 -O1"
if command -v clang++ >/dev/null 2>&1 && echo '#include <mutex>' | clang++ -x c++ -fsyntax-only - 2>/dev/null; then
    each clang++ "-std=c++17 -O0"
fi
finish
