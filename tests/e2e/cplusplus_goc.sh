# <goc.h> in C++: every macro, the same channels shared with C, what must not compile, a race in it.
. tests/e2e/lib
command -v g++ >/dev/null 2>&1 || { echo "no g++ here"; exit 77; }
inc=$BUILD/include
cat >"$work/all.cc" <<'END'
#include <goc.h>
#include <goc/race.h>
#include <goc/testing.h>
#include <cstdio>
#include <string>
#include <vector>

enum class kind : short { a, b };
struct nothing {
};
struct point {
    int x;
    double y;
};
struct big {
    char c[100];
};
struct word {
    goc_chan(big) where;
    explicit word(int) : where(NULL) {}
};
extern "C" void c_square(goc_recv_chan(int) in, goc_send_chan(int) out);
extern "C" void c_tell(goc_send_chan(goc_unit) done);

static goc_mutex mu = GOC_MUTEX_INIT;
static goc_rwmutex rw = GOC_RWMUTEX_INIT;
static goc_once once = GOC_ONCE_INIT;
static goc_cond cond = GOC_COND_INIT(&mu);
static goc_sem sem = GOC_SEM_INIT(2);
static int total, wrong, inits;
static bool saw;

#define IS(e) ((e) ? (void)0 : (void)(std::printf("line %d: %s\n", __LINE__, #e), wrong++))

static void add(bool b, kind k, const std::string *s, unsigned char u)
{
    goc_mutex_lock(&mu);
    saw = b;
    total += (int)k + (int)s->size() + u;
    goc_mutex_unlock(&mu);
}
template <class T> static void feed(goc_send_chan(T) out, int n)
{
    goc_defer([](const char *name) { IS(name[0] == 'f'); }, "feed");
    for (int i = 0; i < n; i++)
        goc_send(out, T(i));
    goc_close(out);
}
static void init()
{
    inits++;
}
static void panics(void *what)
{
    goc_panic("no %s", (const char *)what);
}
static int part(void *result)
{
    return *(int *)result;
}

int main()
{
    goc_waitgroup wg = GOC_WAITGROUP_INIT;
    std::string s = "abc";
    goc_waitgroup_go(&wg, add, 256, kind::b, &s, 1);
    goc_waitgroup_wait(&wg);
    IS(saw && total == 5);
    goc_waitgroup_go(&wg, [](int a) { total += a; }, 5L);
    goc_waitgroup_go(&wg, [] {});
    goc_waitgroup_wait(&wg);
    IS(total == 10);

    goc_chan(long) numbers = goc_chan_make(long, 0), none = NULL;
    go(feed<long>, numbers, 10);
    long sum = 0;
    goc_range(v, numbers) {
        if (v == 3)
            continue;
        sum += v;
    }
    IS(sum == 42 && !none);
    goc_chan(nothing) e = goc_chan_make(nothing, 2);
    goc_send(e, nothing());
    IS(goc_try_send(e, nothing{}) && !goc_try_send(e, nothing{}) && goc_len(e) == 2 && goc_cap(e) == 2);
    goc_recv(e);
    goc_chan(word) words = goc_chan_make(word, 1);
    goc_send(words, word(1));
    IS(goc_recv(words).where == NULL);
    goc_chan(point) points = goc_chan_make(point, 1);
    goc_send(points, point{1, 2.5});
    IS(goc_recv(points).y == 2.5);
    goc_chan(goc_chan(long)) nested = goc_chan_make(goc_chan(long), 1);
    goc_send(nested, numbers);
    IS(goc_recv(goc_recv(nested)) == 0);
    goc_chan(double) d = goc_chan_make(double, 1);
    goc_send(d, 3);
    double got_d = 0;
    bool ok = false;
    IS(goc_recv_ok(d, &got_d) && got_d == 3 && !goc_try_recv(d, NULL));

    std::vector<goc_chan(int)> several;
    for (int i = 0; i < 3; i++)
        several.push_back(goc_chan_make(int, 1));
    goc_send(several[1], 7);
    int got = 0;
    switch (goc_select(goc_on_recv(several[0], &got), goc_on_recv_ok(several[1], &got, &ok),
                       goc_on_recv(several[2], NULL), goc_on_timeout(GOC_SECOND))) {
    case 1:
        IS(got == 7 && ok);
        break;
    default:
        IS(!"the ready case");
    }
    goc_chan(big) bigs = goc_chan_make(big, 1);
    big b = {{4}};
    IS(goc_select(goc_on_send(bigs, b), goc_on_default()) == 0 && goc_recv(bigs).c[0] == 4);
    goc_case cases[2] = {goc_on_recv(several[0], &got), goc_on_timeout(1)};
    IS(goc_select_n(cases, 2) == 1);

    goc_chan(int) in = goc_chan_make(int, 0), out = goc_chan_make(int, 0);
    go(c_square, in, out);
    goc_send(in, 7);
    IS(goc_recv(out) == 49);
    goc_close(in);
    goc_chan(goc_unit) done = goc_chan_make(goc_unit, 0);
    struct {
        goc_unit unit;
        char guard[7];
    } room = {goc_unit(), "guard!"};
    go(c_tell, done);
    IS(goc_recv_ok(done, &room.unit) && !goc_recv_ok(done, &room.unit) && room.guard[0] == 'g');

    goc_rwmutex_rlock(&rw);
    goc_rwmutex_runlock(&rw);
    goc_once_do(&once, init);
    goc_once_do(&once, init);
    goc_cond_signal(&cond);
    IS(inits == 1 && goc_sem_try_acquire(&sem, 2) && !goc_sem_try_acquire(&sem, 1));
    const char *message = goc_pcall(panics, (void *)"luck");
    IS(message && std::string(message) == "no luck");
    goc_context *ctx = goc_with_cancel(goc_background());
    goc_errgroup group;
    int four = 4;
    IS(goc_errgroup_init(&group, ctx) == 0);
    goc_errgroup_go(&group, part, &four);
    IS(goc_errgroup_wait(&group) == 4);
    goc_errgroup_free(&group);
    goc_cancel(ctx);
    goc_recv(goc_context_done(ctx));
    IS(goc_context_err(ctx) == ECANCELED);
    goc_context_free(ctx);
    IS(goc_recv(goc_after(1)) > 0 && goc_race_errors() == 0);
    try {
        throw std::string("up");
    } catch (std::string &text) {
        IS(text == "up");
    }
    std::printf("%s\n", wrong ? "wrong" : "all right");
    return wrong;
}
END
cat >"$work/c.c" <<'END'
#include <goc.h>
void c_square(goc_recv_chan(int) in, goc_send_chan(int) out);
void c_tell(goc_send_chan(goc_unit) done);
void c_square(goc_recv_chan(int) in, goc_send_chan(int) out)
{
    goc_range(v, in)
        goc_send(out, v * v);
}
void c_tell(goc_send_chan(goc_unit) done)
{
    goc_send(done, GOC_UNIT);
    goc_close(done);
}
END

gcc -std=c11 -pedantic-errors -Wall -Wextra -Werror -O2 -I"$inc" -c "$work/c.c" -o "$work/c.o" || exit 1
for cxx in g++ clang++-14 clang++-16 clang++-18; do
    command -v $cxx >/dev/null 2>&1 || continue
    for std in c++11 c++17 c++20; do
        try $cxx -std=$std -O2 -pedantic -Wall -Wextra -Wshadow -Werror -I"$inc" -c "$work/all.cc" -o "$work/all.o"
        want_status 0
    done
    try $cxx "$work/all.o" "$work/c.o" -L"$BUILD/lib" -lgoc -Wl,-rpath,"$BUILD/lib" -o "$work/all"
    want_status 0
    for procs in 1 2; do
        try env GOMAXPROCS=$procs "$work/all"
        want_status 0
        want_out 'all right'
    done
done

# What must not compile, and the same mended.
refused() { # RIGHT WRONG: bodies of a function
    for body in "$1" "$2"; do
        printf '%s\n' '#include <goc.h>' \
            'extern goc_chan(int) c; extern goc_send_chan(int) s; extern goc_recv_chan(int) r;' \
            'extern goc_chan(int *) pc; extern int i; extern long l; extern double d;' \
            'void gi(int); void gd(double); void gp(int *); void test();' 'void test()' "{ $body }" >"$work/no.cc"
        try g++ -w -I"$inc" -fsyntax-only "$work/no.cc"
        what="$what ($body)"
        if [ "$body" = "$1" ]; then want_status 0; else want_status 1; fi
    done
}
refused 'goc_send(s, 1); s = c;' 'goc_send(r, 1);'
refused 'r = c;' 'c = r;'
refused 'goc_close(c);' 'goc_close(r);'
refused 'goc_recv(r);' 'goc_recv(s);'
refused 'goc_range(v, r) {}' 'goc_range(v, s) {}'
refused 'goc_send(c, l);' 'goc_send(c, d);'
refused 'goc_send(pc, &i); goc_send(pc, NULL);' 'goc_send(pc, &l);'
refused 'goc_recv_ok(c, &i);' 'goc_recv_ok(c, &l);'
refused 'goc_select(goc_on_recv(r, NULL));' 'goc_select(goc_on_recv(s, NULL));'
refused 'go(gi, 1);' 'go(gd, 1);'
refused 'go(gi, i);' 'go(gi, &i);'
refused 'go(gp, &i);' 'go(gp, &l);'
refused 'go(gi, 1);' 'go(gi);'
refused '{ goc_defer(gp, &i); }' '{ goc_defer(gi, i); }'

# Under detection: nothing in the program above, and the race of this one.
"$race" cc -g -O1 -c "$work/c.c" -o "$work/cr.o" || exit 1
try "$race" c++ -std=c++17 -g -O1 "$work/all.cc" "$work/cr.o" -o "$work/all_race"
want_status 0
try "$race" "$work/all_race"
want_status 0
want_out 'all right'
want_silence
cat >"$work/racy.cc" <<'END'
#include <goc.h>
static int n;
int main()
{
    goc_chan(int) ch = goc_chan_make(int, 1);
    go([](goc_send_chan(int) out) {
        n++;
        goc_send(out, n);
    }, ch);
    n++;
    return goc_recv(ch) == 0;
}
END
try "$race" run "$work/racy.cc"
want_status 66
want_err 'racy.cc:10'
want_no_err 'goc_value'
finish
