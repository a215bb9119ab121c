/* Accesses of every shape: which bytes does the compiler say it touches? race_pairs.c says what a
 * pair is. */
#include "race_pairs.h"
#include <complex.h>
#include <stdarg.h>

/* --- fields
 * -----------------------------------------------------------------------------------------------
 */

static struct point {
    int x, y;
    struct {
        short lo, hi;
    } in[3];
} point, points[4];

static void field_first(void)
{
    point.x = 1;
}
static void field_second(void)
{
    *(fixed ? &point.y : &point.x) = 2;
}

static void inner_field_first(void)
{
    point.in[1].lo++;
}
static void inner_field_second(void)
{
    struct point *p = &point;
    HIDE(p);
    if (fixed)
        USE(p->in[1].hi);
    else
        USE(p->in[1].lo);
}

/* Neighbours in one unit of memory are one place, as C says; a member of width 0 begins another. */
struct { /* not static: gcc takes the stores to what nobody reads away */
    unsigned a : 3, b : 5;
    unsigned : 0;
    unsigned c : 4;
} bits;
static void bit_field_first(void)
{
    bits.a = 1;
}
static void bit_field_second(void)
{
    if (fixed)
        bits.c = 2;
    else
        bits.b = 2;
}

static void struct_copy_first(void)
{
    points[1] = points[0];
}
static void struct_copy_second(void)
{
    points[fixed ? 2 : 1].in[2].hi = 7;
}

static void struct_read_first(void)
{
    points[2] = points[0];
}
static void struct_read_second(void)
{
    points[fixed ? 1 : 0].y++;
}

static union {
    double d;
    uint64_t u;
    char c[8];
} one, another;
static void union_first(void)
{
    one.d = 1.5;
}
static void union_second(void)
{
    USE((fixed ? &another : &one)->c[7]);
}

static struct {
    int n;
    char text[];
} * flexible;
static void write_at(int i)
{
    flexible->text[i] = 'x';
    turn_end();
}
static void flexible_array(void)
{
    flexible = calloc(1, sizeof *flexible + 8);
    go(write_at, 3);
    turn_wait(1);
    go(write_at, fixed ? 4 : 3);
    others_ended();
}

/* --- elements
 * -----------------------------------------------------------------------------------------------
 */

static int cells[16], grid[4][4];
static void element_first(void)
{
    for (int i = 0; i < 8; i++)
        cells[i] = i;
}
static void element_second(void)
{
    for (int i = fixed ? 8 : 7; i < 16; i++)
        cells[i]++;
}

static void row_first(void)
{
    for (int i = 0; i < 4; i++)
        grid[1][i] = i;
}
static void row_second(void)
{
    for (int i = 0; i < 4; i++)
        if (fixed)
            grid[2][i]++;
        else
            grid[i][2]++;
}

static void add(int *cell)
{
    (*cell)++;
    turn_end();
}
static void local_array(void) /* an array of run-time size on main's stack */
{
    int n = 5;
    HIDE(n);
    int local[n];
    memset(local, 0, sizeof local);
    go(add, &local[2]);
    turn_wait(1);
    go(add, &local[fixed ? 3 : 2]);
    others_ended();
    USE(n);
}

/* --- sizes and places
 * ------------------------------------------------------------------------------------- */

static _Alignas(64) unsigned char bytes[64];
static void byte_first(void)
{
    bytes[6] = 1;
}
static void byte_second(void)
{
    bytes[fixed ? 7 : 6] = 2;
}

static void word_and_byte_first(void)
{
    *(uint64_t *)(void *)&bytes[8] = 1;
}
static void word_and_byte_second(void)
{
    USE(bytes[fixed ? 16 : 15]);
}

struct __attribute__((packed)) unaligned {
    uint64_t value;
};
static void unaligned_first(void) /* bytes 5 to 12 */
{
    ((struct unaligned *)&bytes[5])->value = 1;
}
static void unaligned_second(void)
{
    bytes[fixed ? 13 : 12] = 1;
}

static void sixteen_bytes_first(void)
{
    *(__int128 *)(void *)&bytes[16] = 1;
}
static void sixteen_bytes_second(void)
{
    bytes[fixed ? 32 : 31] = 1;
}

typedef int vector __attribute__((vector_size(32)));
static vector eight, eight_more;
static void vector_first(void)
{
    eight += 1;
}
static void vector_second(void)
{
    ((int *)(fixed ? &eight_more : &eight))[7] = 1;
}

static complex double z;
static void complex_first(void)
{
    z = z * 2;
}
static void complex_second(void)
{
    if (fixed)
        point.x = 1;
    else
        __imag__ z = 1;
}

static void complex_half_first(void)
{
    __real__ z = 1;
}
static void complex_half_second(void)
{
    if (fixed)
        __imag__ z = 1;
    else
        __real__ z = 2;
}

static long double extended[2];
static void long_double_first(void)
{
    extended[0] += 1;
}
static void long_double_second(void)
{
    *(char *)&extended[fixed ? 1 : 0] = 1;
}

static bool ready;
static void flag_first(void)
{
    ready = true;
}
static void flag_second(void)
{
    if (fixed)
        return;
    if (ready)
        USE(1);
}

static volatile int watched;
static atomic_int counted;
static void volatile_first(void)
{
    watched = 1;
    atomic_store_explicit(&counted, 1, memory_order_relaxed);
}
static void volatile_second(void)
{
    if (fixed)
        USE(atomic_load_explicit(&counted, memory_order_relaxed));
    else
        USE(watched);
}

static int total;
static void compound_first(void)
{
    total += 2;
}
static void compound_second(void)
{
    if (fixed)
        cells[0] -= 2;
    else
        total -= 2;
}

/* --- blocks
 * -----------------------------------------------------------------------------------------------
 */

static void memset_first(void)
{
    size_t n = 13;
    HIDE(n);
    memset(bytes + 3, 1, n);
}
static void memset_second(void)
{
    bytes[fixed ? 16 : 15] = 2;
}

static void memmove_first(void)
{
    size_t n = 20;
    HIDE(n);
    memmove(bytes + 4, bytes + 30, n);
}
static void memmove_second(void) /* reads bytes 30 to 49 */
{
    bytes[fixed ? 50 : 49] = 2;
}

static char text[32] = "abc";
static void strlen_first(void)
{
    char *p = text;
    HIDE(p);
    USE(strlen(p));
}
static void strlen_second(void) /* the zero is read too, what follows it is not */
{
    text[fixed ? 4 : 3] = 0;
}

static int sum_all(int n, ...)
{
    va_list list;
    va_start(list, n);
    int sum = 0;
    while (n--)
        sum += *va_arg(list, int *);
    va_end(list);
    return sum;
}
static void variadic_first(void)
{
    USE(sum_all(3, &cells[1], &cells[2], &cells[3]));
}
static void variadic_second(void)
{
    cells[fixed ? 4 : 3] = 1;
}

/* --- one location by two names
 * ---------------------------------------------------------------------------- */

static void through_char_first(void)
{
    char *p = (char *)&point.y;
    HIDE(p);
    for (size_t i = 0; i < sizeof point.y; i++)
        p[i] = 0;
}
static void through_char_second(void)
{
    if (fixed)
        point.x = 1;
    else
        point.y = 1;
}

struct node {
    struct node *next;
    int value;
};
static void follow(struct node *n)
{
    n->next->value++;
    turn_end();
}
static void pointed_at(void) /* a pointer that two goroutines follow, to one thing or to two */
{
    struct node tail[2] = {0}, head[2] = {{&tail[0], 0}, {&tail[fixed], 0}};
    go(follow, &head[0]);
    turn_wait(1);
    go(follow, &head[1]);
    others_ended();
}

const struct pair memory_pairs[] = {
    HALVES(field),        HALVES(inner_field),   HALVES(bit_field),    HALVES(struct_copy),
    HALVES(struct_read),  HALVES(union),         PAIR(flexible_array), HALVES(element),
    HALVES(row),          PAIR(local_array),     HALVES(byte),         HALVES(word_and_byte),
    HALVES(unaligned),    HALVES(sixteen_bytes), HALVES(vector),       HALVES(complex),
    HALVES(complex_half), HALVES(long_double),   HALVES(flag),         HALVES(volatile),
    HALVES(compound),     HALVES(memset),        HALVES(memmove),      HALVES(strlen),
    HALVES(variadic),     HALVES(through_char),  PAIR(pointed_at),     {0},
};
