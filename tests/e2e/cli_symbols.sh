# Names from wherever they are: beside the program, in .dwo files, by clang, from a library that was
# opened later; and without any, an offset and one hint.
. tests/e2e/lib

says() { # TEXT…: each in the report of $1
    prog=$1
    shift
    try "$race" --strip_path_prefix="$work/" "$prog"
    want_status 66
    for t in "$@"; do
        want_err "$t"
    done
}
cc() {
    "$race" cc "$@" || { echo "cannot build: $*"; exit 1; }
}

cc -g -O1 "$work/racy.c" -o "$work/whole"
says "$work/whole" '  set()' '      racy.c:7 ' "Location is global 'shared' of type 'int' (4 bytes)"

# The debug information in a file of its own.
cp "$work/whole" "$work/linked"
if command -v objcopy >/dev/null 2>&1; then
    (cd "$work" && objcopy --only-keep-debug linked linked.debug && strip linked &&
        objcopy --add-gnu-debuglink=linked.debug linked) || wrong "objcopy"
    says "$work/linked" '      racy.c:7 ' "global 'shared'"
fi

# None at all.
cp "$work/whole" "$work/stripped"
strip "$work/stripped"
says "$work/stripped" "      stripped +0x" 'no source lines: build with -g'
want_no_err 'goc_'
[ "$(grep -c 'no source lines' "$err")" -eq 1 ] || wrong "more than one hint"

# In .dwo files; compiled and linked in one step, and in two.
(cd "$work" && cc -g -gsplit-dwarf -O1 racy.c -o split1 && cc -g -gsplit-dwarf -O1 -c racy.c &&
    cc racy.o -o split2)
says "$work/split1" '      racy.c:7 ' "global 'shared'"
says "$work/split2" '      racy.c:7 ' "global 'shared'"

cc -gdwarf-4 -O2 "$work/racy.c" -o "$work/dwarf4"
says "$work/dwarf4" '      racy.c:7 ' "global 'shared'"
if command -v clang >/dev/null 2>&1; then
    GOC_CC=clang cc -g -O1 "$work/racy.c" -o "$work/clang"
    says "$work/clang" '      racy.c:7 ' "global 'shared'"
fi

# Calls that were inlined are frames of their own.
cat >"$work/inline.c" <<'END'
#include <goc.h>
static struct {
    int pad;
    struct {
        long n[3];
    } in[2];
} deep;
static inline __attribute__((always_inline)) void innermost(int i)
{
    deep.in[1].n[i]++;
}
static inline __attribute__((always_inline)) void middle(int i)
{
    innermost(i);
}
static void outer(void)
{
    middle(2);
}
int main(void)
{
    go(outer);
    goc_sleep(5 * GOC_MILLISECOND);
    go(outer);
    goc_sleep(5 * GOC_MILLISECOND);
}
END
cc -g -O2 "$work/inline.c" -o "$work/inline"
says "$work/inline" '  innermost()' '      inline.c:10 ' '  middle()' '      inline.c:14 ' '  outer()' \
    '      inline.c:18 ' "Location is global 'deep.in[1].n[2]' of type 'long int' (8 bytes)"

# A library that is opened while the program runs, and one whose names differ.
cat >"$work/plug.c" <<'END'
static int inside;
void plug(void)
{
    inside++;
}
END
cat >"$work/open.c" <<'END'
#include <dlfcn.h>
#include <goc.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    void *h = dlopen(PLUG, RTLD_NOW);
    void (*plug)(void) = h ? (void (*)(void))dlsym(h, "plug") : NULL;
    if (!plug) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    go(plug);
    goc_sleep(5 * GOC_MILLISECOND);
    go(plug);
    goc_sleep(5 * GOC_MILLISECOND);
}
END
cc -g -O1 -shared -fPIC "$work/plug.c" -o "$work/plug.so"
cc -g -O1 -DPLUG="\"$work/plug.so\"" "$work/open.c" -o "$work/open"
says "$work/open" '  plug()' '      plug.c:4 ' "global 'inside'"

# Another build of the program where the records say it was: no names are better than wrong ones.
try "$race" --save="$work/saved" "$work/whole"
try "$race" report "$work/saved"
want_out '/racy.c:7 '
finish
