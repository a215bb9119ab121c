/*
 * goc/select.h - wait for the first of several channel operations.
 *
 *     switch (goc_select(goc_on_recv(in, &msg), goc_on_send(out, v), goc_on_timeout(GOC_SECOND))) {
 *     case 0: …
 *
 * goc_select returns the zero-based index of the case that went ahead, chosen uniformly among those
 * that were ready; exactly one does. With goc_on_default() it never waits: the default's index if
 * no other case is ready. A timeout goes ahead when no other has within its time; of several the
 * shortest counts. A case on a NULL channel is never ready. No case, or only NULL channels: blocks
 * forever. A send case on a closed channel is ready, and panics if it is chosen.
 *
 * All operands are evaluated once, in the order C evaluates an initialiser list. Mirrors Go's
 * select statement and reflect.Select.
 */
#ifndef GOC_SELECT_H
#define GOC_SELECT_H

#include <goc/chan.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum { GOC_CASE_VALUE_MAX = 32 };

/* One case. Made by the macros below; its fields are not for the program. */
typedef struct goc_case {
    void *goc_ch;
    void *goc_place; /* where a received value goes, or a value too large for goc_value */
    union {
        bool *goc_ok;
        int64_t goc_timeout;
    };
    uint32_t goc_size;
    uint32_t goc_op;
    union {
        unsigned char goc_value[GOC_CASE_VALUE_MAX];
        uint64_t goc_align;
    };
} goc_case;

#ifdef __cplusplus
static_assert(sizeof(goc_case) == 64, "a case is a cache line");
#else
_Static_assert(sizeof(goc_case) == 64, "a case is a cache line");
#endif

enum goc_case_op {
    GOC_CASE_RECV = 1,
    GOC_CASE_SEND,
    GOC_CASE_TIMEOUT,
    GOC_CASE_DEFAULT,
};

/* Receive into *p; NULL drops the value. After close: T's zero value. */
#define goc_on_recv(ch, p) \
    (GOC_CHECK_RECV_TO(ch, p), goc_case_recv(GOC_CHAN_HANDLE(ch), (p), (bool *)0))

/* The same; *ok becomes false if ch is closed and drained, else true. Either pointer may be NULL.
 */
#define goc_on_recv_ok(ch, p, ok) \
    (GOC_CHECK_RECV_TO(ch, p), GOC_CHECK_OK(ok), goc_case_recv(GOC_CHAN_HANDLE(ch), (p), (ok)))

/* Send v. The case holds a copy of a value of up to 32 bytes and may be kept (goc_select_n); a
   larger value lives as long as the block in which goc_on_send stands. */
#define goc_on_send(ch, ...)                                        \
    (GOC_CHECK_SEND(ch, __VA_ARGS__),                               \
     goc_case_send(GOC_CHAN_HANDLE(ch), GOC_VALUE(ch, __VA_ARGS__), \
                   (uint32_t)GOC_SIZE_OF(ch)))

/* Go ahead if nothing else has within d nanoseconds; at once if d <= 0. */
#define goc_on_timeout(d) goc_case_alone(GOC_CASE_TIMEOUT, (d))

/* Go ahead if nothing else can. */
#define goc_on_default() goc_case_alone(GOC_CASE_DEFAULT, 0)

#ifdef __cplusplus
#define goc_select(...) \
    goc_select_n(goc_cases<goc_case>({__VA_ARGS__}), sizeof(goc_count(__VA_ARGS__)) - 1)
#else
#define goc_select(...)                                      \
    goc_select_n(__extension__(goc_case[]){__VA_ARGS__},     \
                 __extension__ sizeof((goc_case[]){__VA_ARGS__}) / sizeof(goc_case))

#define GOC_CHECK_OK(ok)                                                             \
    __extension__({                                                                  \
        typedef GOC_TYPE(ok) goc_ok_t;                                               \
        _Static_assert(GOC_SAME(goc_ok_t, bool *) || GOC_SAME(goc_ok_t, void *),     \
                       "goc: the third operand of goc_on_recv_ok points to a bool"); \
        (void)0;                                                                     \
    })
#endif

/* The same over an array built at run time. At most 65,536 cases; more panic. */
int goc_select_n(goc_case *cases, size_t n);

/* The bytes of goc_value stay as they are: a select of eight cases would spend much on zeroing. */
static inline goc_case goc_case_recv(void *ch, void *place, bool *ok)
{
    goc_case c;
    c.goc_ch = ch;
    c.goc_place = place;
    c.goc_ok = ok;
    c.goc_size = 0;
    c.goc_op = GOC_CASE_RECV;
    return c;
}

static inline goc_case goc_case_send(void *ch, const void *value, uint32_t size)
{
    goc_case c;
    c.goc_ch = ch;
    c.goc_place = 0;
    c.goc_ok = 0;
    c.goc_size = size;
    c.goc_op = GOC_CASE_SEND;
    if (size > GOC_CASE_VALUE_MAX)
        c.goc_place = (void *)(uintptr_t)value;
    else
        __builtin_memcpy(c.goc_value, value, size);
    return c;
}

static inline goc_case goc_case_alone(uint32_t op, int64_t timeout)
{
    goc_case c;
    c.goc_ch = 0;
    c.goc_place = 0;
    c.goc_timeout = timeout;
    c.goc_size = 0;
    c.goc_op = op;
    return c;
}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
