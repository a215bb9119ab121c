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

(cd "$work" && cc -gdwarf-4 -gsplit-dwarf -O1 racy.c -o split4)
says "$work/split4" '      racy.c:7 ' "Location is global 'shared' of type 'int' (4 bytes)"
if command -v clang >/dev/null 2>&1; then
    for v in 4 5; do
        (cd "$work" && GOC_CC=clang cc -gdwarf-$v -gsplit-dwarf -O1 racy.c -o clang-split$v &&
            GOC_CC=clang cc -gdwarf-$v -gsplit-dwarf -O1 -c racy.c -o clang2.o &&
            GOC_CC=clang cc clang2.o -o clang-two$v)
        says "$work/clang-split$v" '      racy.c:7 ' "Location is global 'shared' of type 'int' (4 bytes)"
        says "$work/clang-two$v" '      racy.c:7 ' "Location is global 'shared' of type 'int' (4 bytes)"
    done
    # The .dwo files packed, or lost: the program itself still has the lines (and with an elfutils that
    # reads packages, the types).
    rm -f "$work/clang-split5-racy.dwo"
    says "$work/clang-split5" '  set()' '      racy.c:7 ' "global 'shared'"
    want_no_err 'no source lines'
fi

# By its build id, in the folder of the system (one of our own is put in its place, for us alone).
mkdir -p "$work/debug"
if [ -d /usr/lib/debug ] && unshare -rm mount --bind "$work/debug" /usr/lib/debug 2>/dev/null; then
    cp "$work/whole" "$work/by-id"
    id=$(readelf -n "$work/by-id" | sed -n 's/.*Build ID: //p')
    rest=${id#??}
    mkdir -p "$work/debug/.build-id/${id%"$rest"}"
    objcopy --only-keep-debug "$work/by-id" "$work/debug/.build-id/${id%"$rest"}/$rest.debug"
    strip "$work/by-id"
    says "$work/by-id" 'no source lines'
    try unshare -rm sh -c "mount --bind '$work/debug' /usr/lib/debug && '$race' '$work/by-id'"
    want_status 66
    want_err '/racy.c:7 '
    want_err "Location is global 'shared' of type 'int' (4 bytes)"
fi

# What two programs share in a file of its own (dwz).
if command -v dwz >/dev/null 2>&1; then
    cp "$work/whole" "$work/dwz1"
    "$race" cc -g -O2 "$work/racy.c" -o "$work/dwz2"
    (cd "$work" && dwz -m dwz.debug dwz1 dwz2 2>/dev/null)
    [ -s "$work/dwz.debug" ] && says "$work/dwz1" '      racy.c:7 ' "global 'shared' of type 'int' (4 bytes)"
fi

# From a server, if one is named; one that does not answer costs nothing but the names.
if command -v debuginfod >/dev/null 2>&1 && command -v python3 >/dev/null 2>&1; then
    cp "$work/whole" "$work/served"
    mkdir -p "$work/server"
    objcopy --only-keep-debug "$work/served" "$work/server/served.debug"
    strip "$work/served"
    port=$(python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
    export DEBUGINFOD_CACHE_PATH="$work/cache" DEBUGINFOD_URLS="http://127.0.0.1:$port/"
    says "$work/served" '      served +0x' 'no source lines'
    rm -rf "$work/cache"
    env -u DEBUGINFOD_URLS debuginfod -F -p "$port" -d "$work/server.sqlite" "$work/server" >"$work/server.log" 2>&1 &
    server=$!
    id=$(readelf -n "$work/served" | sed -n 's/.*Build ID: //p')
    for i in $(seq 100); do
        env -u DEBUGINFOD_CACHE_PATH python3 -c 'import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=2).read(1)' "${DEBUGINFOD_URLS}buildid/$id/debuginfo" 2>/dev/null && break
        sleep 0.2
    done
    says "$work/served" '      racy.c:7 ' "Location is global 'shared' of type 'int' (4 bytes)"
    kill $server
    wait $server 2>/dev/null
    unset DEBUGINFOD_URLS DEBUGINFOD_CACHE_PATH
fi

# Fixed addresses, and a static program, of which the driver makes one that can be looked at.
cc -g -O1 -no-pie "$work/racy.c" -o "$work/fixed"
says "$work/fixed" '      racy.c:7 ' "global 'shared' of type 'int' (4 bytes)"
for s in -static -static-pie; do
    "$race" cc -g -O1 $s "$work/racy.c" -o "$work/static" 2>/dev/null || wrong "cannot build $s"
    says "$work/static" '      racy.c:7 ' "global 'shared' of type 'int' (4 bytes)"
done
cc -g -gz -O1 "$work/racy.c" -o "$work/compressed"
says "$work/compressed" '      racy.c:7 ' "global 'shared' of type 'int' (4 bytes)"

cc -gdwarf-4 -O2 "$work/racy.c" -o "$work/dwarf4"
says "$work/dwarf4" '      racy.c:7 ' "global 'shared'"
if command -v clang >/dev/null 2>&1; then
    GOC_CC=clang cc -g -O1 "$work/racy.c" -o "$work/clang"
    says "$work/clang" '      racy.c:7 ' "global 'shared'"
fi

# A function in two pieces: an offset is from the start of its piece, also where the entries are in a
# .dwo file.
cat >"$work/cold.c" <<'END'
#include "turns.h"
int shared, n;
__attribute__((cold, noinline)) static void never(void)
{
    n++;
}
__attribute__((noinline)) static void set(int v)
{
    if (v > 0) {
        never();
        shared = v;
        never();
    }
    n += v;
}
int main(void)
{
    go(set, 1);
    until_left(1);
    go(set, 2);
    until_left(1);
}
END
for f in -g '-g -gsplit-dwarf' -gdwarf-4; do
    (cd "$work" && cc $f -O2 -freorder-blocks-and-partition cold.c -o cold)
    says "$work/cold" '  set()' '      cold.c:10 +0x' '      cold.c:11 +0x'
    ! grep -E '^      [^ ]*cold.c:[0-9]+ \+0x[0-9a-f]{4,}$' "$err" || wrong "no offset from where it starts"
done
if command -v nm >/dev/null 2>&1; then
    nm "$work/cold" | grep -q ' set\.cold$' || wrong "this compiler does not split it: the test says nothing"
fi

# Code of no line has the line before it (clang makes one of the two stores).
cat >"$work/zero.c" <<'END'
#include "turns.h"
int shared, n;
__attribute__((noinline)) static void set(int v)
{
    if (v > 1)
        shared = n + 1;
    else
        shared = n + v;
}
int main(void)
{
    go(set, 1);
    until_left(1);
    go(set, 2);
    until_left(1);
}
END
if command -v clang >/dev/null 2>&1; then
    for f in -g '-g -gsplit-dwarf' -gdwarf-4; do
        (cd "$work" && GOC_CC=clang cc $f -O2 zero.c -o zero)
        says "$work/zero" '  set()'
        [ "$(grep -cE '^      zero.c:[4-8] \+0x' "$err")" -eq 2 ] || wrong "not a line of set()"
        want_no_err '.c:0 '
    done
fi

# Calls that were inlined are frames of their own.
cat >"$work/inline.c" <<'END'
#include "turns.h"
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
    until_left(1);
    go(outer);
    until_left(1);
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
#include "turns.h"
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
    until_left(1);
    go(plug);
    until_left(1);
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
