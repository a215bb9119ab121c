# make install and uninstall, with DESTDIR and prefix: what is laid down, that a program builds with it by
# pkg-config (shared, static, and with the detector), that it is versioned, and that nothing stays behind.
. tests/e2e/lib
command -v pkg-config >/dev/null 2>&1 || { echo 'no pkg-config here'; exit 77; }
root=$work/root
prefix=/opt/goc
install() { # TARGET
    try make --no-print-directory "$1" DESTDIR="$root" prefix="$prefix" BUILD="$BUILD"
    want_status 0
}
install install
at=$root/opt/goc
for f in bin/goc-race lib/libgoc.a lib/libgoc.so lib/libgoc.so.0 lib/libgoc-race.a lib/libgoc-race.so include/goc.h \
    include/goc/chan.h lib/pkgconfig/goc.pc lib/pkgconfig/goc-race.pc share/man/man1/goc-race.1 \
    share/man/man1/goc-race-replay.1 share/man/man3/goc_recv.3 share/man/man5/goc-race-report.5 \
    share/man/man7/goc-race-race.7 share/bash-completion/completions/goc-race; do
    [ -s "$at/$f" ] || wrong "no $f"
done
find "$root" -xtype l | grep . && wrong 'links that lead nowhere'
grep -q '^prefix=/opt/goc$' "$at/lib/pkgconfig/goc.pc" || wrong 'the prefix is not in goc.pc'

cat >"$work/p.c" <<'END'
#include <goc.h>
int main(void)
{
    goc_chan(int) c = goc_chan_make(int, 1);
    goc_send(c, 7);
    return goc_recv(c) - 7;
}
END
PKG_CONFIG_PATH=$at/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
# shellcheck disable=SC2046
gcc "$work/p.c" -o "$work/shared" $(pkg-config --cflags --libs goc) || exit 1
try env LD_LIBRARY_PATH="$at/lib" "$work/shared"
want_status 0
readelf -d "$work/shared" | grep -q 'NEEDED.*libgoc\.so\.0' || wrong 'not linked with libgoc.so.0'
readelf -sW --dyn-syms "$work/shared" | grep -q 'goc_chan_send@GOC_0' || wrong 'a symbol without its version'
# shellcheck disable=SC2046
gcc "$work/p.c" -o "$work/static" $(pkg-config --cflags goc) "$at/lib/libgoc.a" -lunwind -pthread -ldl -lm || exit 1
try "$work/static"
want_status 0
# shellcheck disable=SC2046
gcc -g -fsanitize=thread "$work/p.c" -o "$work/race" $(pkg-config --cflags goc-race) \
    -Wl,--as-needed -L"$at/lib" -l:libgoc-race.a -lunwind -pthread -ldl -lm -nodefaultlibs -lgcc -lgcc_s -lc || exit 1
try "$work/race"
want_status 0

# The installed tool finds what belongs to it, wherever the root is.
try "$at/bin/goc-race" run examples/racy_counter.c
want_status 66
try "$at/bin/goc-race" explain leak
want_status 0
want_out 'GOROUTINE LEAK'

install uninstall
left=$(find "$root" ! -type d)
[ -z "$left" ] || wrong "left behind: $left"

# A prefix with a space in it is one path, and what lies beside it is nobody's business.
prefix='/opt/my goc'
mkdir -p "$root/opt"
echo mine >"$root/opt/my"
install install
[ -x "$root$prefix/bin/goc-race" ] || wrong "nothing in '$prefix'"
grep -q '^prefix=/opt/my\\ goc$' "$root$prefix/lib/pkgconfig/goc.pc" || wrong 'the space is not escaped in goc.pc'
install uninstall
[ "$(find "$root" ! -type d)" = "$root/opt/my" ] || wrong 'files left, or one too many taken away'
finish
