# A plugin that uses mutexes is closed again. The fast path of a mutex is written into the plugin itself,
# and nothing in the process may point there once it is gone (goc/mutex_inline.h).
. tests/e2e/lib
cat >"$work/plugin.c" <<'END'
#include <goc.h>
goc_mutex mu;
long n;
void plugin(void)
{
    for (int i = 0; i < 100; i++) { /* often enough for the mutex to favour this thread */
        goc_mutex_lock(&mu);
        n++;
        goc_mutex_unlock(&mu);
    }
}
END
cat >"$work/host.c" <<'END'
#include <dlfcn.h>
#include <goc.h>
#include <stdio.h>
#include <time.h>
int main(int argc, char **argv)
{
    goc_mutex m = {0};
    goc_mutex_lock(&m);
    goc_mutex_unlock(&m);
    for (int i = 0; i < 100; i++) {
        void *h = dlopen(argv[1], RTLD_NOW);
        if (!h)
            return puts(dlerror());
        ((void (*)(void))dlsym(h, "plugin"))();
        dlclose(h);
        /* Until the thread has been interrupted. */
        for (clock_t from = clock(); clock() - from < CLOCKS_PER_SEC / 500;)
            ;
    }
    return puts("closed") < 0;
}
END
for cc in gcc clang-16 clang-14; do
    command -v $cc >/dev/null || continue
    for flags in -O2 -O0 "-O2 -fno-plt" "-Os -fno-pic"; do
        what="$cc $flags"
        # shellcheck disable=SC2086
        { $cc $flags -fPIC -shared -I"$BUILD/include" "$work/plugin.c" -o "$work/plugin.so" &&
            $cc $flags -I"$BUILD/include" "$work/host.c" -o "$work/host" -no-pie -L"$BUILD/lib" -lgoc \
                -Wl,-rpath,"$BUILD/lib"; } >"$out" 2>"$err" || { wrong "cannot build"; continue; }
        try "$work/host" "$work/plugin.so"
        want_status 0
        want_out closed
        want_silence
    done
done
finish
