/*
 * goc/chan.h - typed channels.
 *
 * goc_chan(T) is the type of a channel of T, goc_send_chan(T) and goc_recv_chan(T) are its two
 * directional views. They are phantom types: pointers to arrays of T that nobody dereferences. The
 * compiler therefore knows the element type in every file without a typedef, `T (*)[]` converts to
 * `T (*)[1]` (send only) and `T (*)[2]` (receive only) without a cast, and those two do not convert
 * to each other. The macros below add static assertions, so that what would be a mere warning about
 * pointers is an error: sending to a receive-only channel, receiving from a send-only one, or a
 * value that does not fit the element type does not compile.
 *
 * A value fits if C would assign it to a T without a warning: the same type; an arithmetic type to
 * an arithmetic T (but no floating value to an integer T); a pointer to a pointer that adds
 * qualifiers; `void *` or NULL to any pointer and any pointer to `void *`.
 *
 * Element types are complete object types but arrays, of 0 to 65,536 bytes.
 */
#ifndef GOC_CHAN_H
#define GOC_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#include <goc/cplusplus.h>
extern "C" {
#endif
#pragma GCC visibility push(default)

#ifndef __cplusplus /* C++ has its own in goc/cplusplus.h, here and below */
#define goc_chan(T) __typeof__(__typeof__(T)(*)[])
#define goc_send_chan(T) __typeof__(__typeof__(T)(*)[1])
#define goc_recv_chan(T) __typeof__(__typeof__(T)(*)[2])

/* The empty element, for signals: goc_chan(goc_unit), goc_send(ch, GOC_UNIT). Go's struct{}. */
__extension__ typedef struct goc_unit {
} goc_unit;
#define GOC_UNIT (__extension__(goc_unit){})
#endif

/* goc_chan_make(T, cap) -> goc_chan(T). cap 0 is unbuffered. Panics "makechan: size out of range"
   if cap is negative, above INT_MAX, or too much for memory, "makechan: invalid channel element
   type" if T is larger than 64 KiB. Go's make(chan T, cap). */
#define goc_chan_make(T, cap) ((goc_chan(T))goc_chan_new(GOC_SIZE(T), (cap)))

/* Give a channel back; NULL is allowed. Values still in the buffer are dropped. Fatal if a
   goroutine waits on it. The caller sees to it that nobody uses it again (under goc-race: a
   finding). */
#define goc_chan_free(ch) goc_chan_delete(GOC_CHAN_HANDLE(ch))

/* goc_send(ch, v): waits until the value is in the buffer or a receiver has it. Panics "send on
   closed channel". On a NULL channel it blocks forever, as every operation below that may wait. */
#define goc_send(ch, ...)             \
    (GOC_CHECK_SEND(ch, __VA_ARGS__), \
     goc_chan_send(GOC_CHAN_HANDLE(ch), GOC_VALUE(ch, __VA_ARGS__)))

/* goc_recv(ch) -> T: the next value, or T's zero value once ch is closed and drained. */
#ifndef __cplusplus
#define goc_recv(ch)                                                              \
    __extension__({                                                               \
        GOC_CHECK_RECV(ch);                                                       \
        *(GOC_ELEM(ch) *)goc_chan_recv(GOC_CHAN_HANDLE(ch), (GOC_ELEM(ch)[1]){}); \
    })
#endif

/* goc_recv_ok(ch, &v) -> bool: false, and v zeroed, once ch is closed and drained. v may be NULL.
 */
#define goc_recv_ok(ch, p) (GOC_CHECK_RECV_TO(ch, p), goc_chan_recv_ok(GOC_CHAN_HANDLE(ch), (p)))

/* Never block. false: it would have (and, receiving, also if ch is closed and drained). A full
   channel that is closed panics as goc_send does. On a NULL channel: false. */
#define goc_try_send(ch, ...)         \
    (GOC_CHECK_SEND(ch, __VA_ARGS__), \
     goc_chan_try_send(GOC_CHAN_HANDLE(ch), GOC_VALUE(ch, __VA_ARGS__)))
#define goc_try_recv(ch, p) (GOC_CHECK_RECV_TO(ch, p), goc_chan_try_recv(GOC_CHAN_HANDLE(ch), (p)))

/* No more values will be sent. Wakes every receiver, and every waiting sender to its panic. Panics
   "close of nil channel", "close of closed channel". A receive-only channel cannot be closed. */
#define goc_close(ch) (GOC_CHECK_CLOSE(ch), goc_chan_close(GOC_CHAN_HANDLE(ch)))

/* Values in the buffer; size of the buffer. 0 for NULL. */
#define goc_len(ch) goc_chan_len(GOC_CHAN_HANDLE(ch))
#define goc_cap(ch) goc_chan_cap(GOC_CHAN_HANDLE(ch))

/* goc_range(v, ch) { … }: a loop that declares `T v`, receives into it before each turn, and ends
   when ch is closed and drained. ch is evaluated once. break and continue work as in any loop. */
#ifndef __cplusplus
#define goc_range(v, ch)                                      \
    for (__typeof__((*(ch))[0]) v, (*goc_range_##v)[] = (ch); \
         GOC_CHECK_RECV(ch), goc_chan_next(GOC_CHAN_HANDLE(goc_range_##v), (void *)&v);)
#endif

/* --- what the macros above are made of -------------------------------------------------------- */

#define GOC_CHAN_HANDLE(ch) ((void *)(ch))

#ifndef __cplusplus
#define GOC_SIZE(T) sizeof(T)
#define GOC_SIZE_OF(ch) sizeof(GOC_ELEM(ch))

/* The element type without qualifiers (the comma operator yields a value, not an object). */
#define GOC_ELEM(ch) __typeof__(((void)0, (*(ch))[0]))

/* The value as an object of the element type; it lives as long as the block around it. */
#define GOC_VALUE(ch, ...) (__extension__(GOC_ELEM(ch)[1]){__VA_ARGS__})

/* __builtin_classify_type: 1 integer (enum, bool, char), 5 pointer, 8 floating, 9 complex. */
#define GOC_IS_INT(e) (__builtin_classify_type(e) >= 1 && __builtin_classify_type(e) <= 4)
#define GOC_IS_ARITH(e) \
    (GOC_IS_INT(e) || __builtin_classify_type(e) == 8 || __builtin_classify_type(e) == 9)
#define GOC_IS_POINTER(e) (__builtin_classify_type(e) == 5)
#define GOC_SAME(A, B) __builtin_types_compatible_p(A, B)

/* Would `T t = v` be right for a v of type V? For pointers the type of a conditional tells: it has
   the qualifiers of both sides, or is void * where one side is (or, with a warning, where they do
   not match). */
#define GOC_FITS(T, V)                                      \
    (GOC_SAME(V, T) ||                                      \
     (GOC_IS_ARITH(*(T *)0) && GOC_IS_ARITH(*(V *)0) &&     \
      (GOC_IS_INT(*(V *)0) || !GOC_IS_INT(*(T *)0))) ||     \
     (GOC_IS_POINTER(*(T *)0) && GOC_IS_POINTER(*(V *)0) && \
      (GOC_SAME(V, void *) || GOC_SAME(__typeof__(1 ? *(T *)0 : *(V *)0), T))))

/* The type of an expression as a value: arrays and functions as pointers, no qualifiers. */
#define GOC_TYPE(...) __typeof__(((void)0, (__VA_ARGS__)))

#define GOC_CAN_SEND(C) GOC_SAME(C, __typeof__((*(*(C *)0))[0])(*)[1])
#define GOC_CAN_RECV(C) GOC_SAME(C, __typeof__((*(*(C *)0))[0])(*)[2])
#define GOC_CHECK_SEND(ch, ...)                                                             \
    __extension__({                                                                         \
        typedef GOC_TYPE(__VA_ARGS__) goc_send_value_t;                                     \
        typedef GOC_TYPE(ch) goc_send_ch_t;                                                 \
        _Static_assert(GOC_CAN_SEND(goc_send_ch_t), "goc: send on a receive-only channel"); \
        _Static_assert(GOC_FITS(GOC_ELEM(*(goc_send_ch_t *)0), goc_send_value_t),           \
                       "goc: the value's type is not the channel's element type");          \
        (void)0;                                                                            \
    })
#define GOC_CHECK_RECV(ch)                                                                    \
    __extension__({                                                                           \
        typedef GOC_TYPE(ch) goc_recv_ch_t;                                                   \
        _Static_assert(GOC_CAN_RECV(goc_recv_ch_t), "goc: receive from a send-only channel"); \
        (void)0;                                                                              \
    })
#define GOC_CHECK_RECV_TO(ch, p)                                                              \
    __extension__({                                                                           \
        typedef GOC_TYPE(ch) goc_into_ch_t;                                                   \
        typedef GOC_TYPE(p) goc_into_place_t;                                                 \
        _Static_assert(GOC_CAN_RECV(goc_into_ch_t), "goc: receive from a send-only channel"); \
        _Static_assert(GOC_SAME(goc_into_place_t, GOC_ELEM(*(goc_into_ch_t *)0) *) ||         \
                           GOC_SAME(goc_into_place_t, void *),                                \
                       "goc: the destination does not point to the channel's element type");  \
        (void)0;                                                                              \
    })
#define GOC_CHECK_CLOSE(ch)                                                                   \
    __extension__({                                                                           \
        typedef GOC_TYPE(ch) goc_close_ch_t;                                                  \
        _Static_assert(GOC_CAN_SEND(goc_close_ch_t), "goc: close of a receive-only channel"); \
        (void)0;                                                                              \
    })
#endif

/* The functions beneath: a handle and a pointer to the value. The value of a send and the place
   that goc_chan_recv fills are private to the caller; the others write to memory of the program. */
void *goc_chan_new(size_t elem_size, int64_t cap);
void goc_chan_delete(void *ch);
void goc_chan_send(void *ch, const void *value);
bool goc_chan_try_send(void *ch, const void *value);
void *goc_chan_recv(void *ch, void *value); /* returns value */
bool goc_chan_next(void *ch, void *value);
bool goc_chan_recv_ok(void *ch, void *value);
bool goc_chan_try_recv(void *ch, void *value);
void goc_chan_close(void *ch);
int goc_chan_len(const void *ch);
int goc_chan_cap(const void *ch);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
