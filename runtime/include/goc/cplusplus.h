/*
 * goc/cplusplus.h - the macros of channels, select, go and defer for C++. Included by the headers that
 * need it.
 *
 * C's phantom types are pointers to arrays, which convert to one another by rules that C++ has not, and
 * its checks are built from __builtin_types_compatible_p, which C++ has not either. Here a channel's type
 * is a pointer to an empty class: goc_chan(T) points to one that derives from both of its directions,
 * so that it converts to either, and they convert to nothing. It stays a plain pointer: NULL is the nil
 * channel, it goes through extern "C", and a channel is the same thing in a program's C and C++ files.
 *
 * Rejected: a class around the handle (returned by extern "C" functions it would not be C's, and in go()'s
 * words it is no pointer); function templates instead of macros (their frames would stand in every
 * report between the program and its channel).
 *
 * Elements are copied as bytes: they must be trivially copyable. An empty class takes no byte, as in C. A
 * captureless lambda is a function. What leaves a goroutine by goc_goexit or goc_panic runs its goc_defers
 * and no destructors.
 */
#ifndef GOC_CPLUSPLUS_H
#define GOC_CPLUSPLUS_H

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

template <class T> struct goc_sender {
};
template <class T> struct goc_receiver {
};
template <class T> struct goc_channel : goc_sender<T>, goc_receiver<T> {
};

template <class T> using goc_chan_of = goc_channel<T> *;
template <class T> using goc_send_chan_of = goc_sender<T> *;
template <class T> using goc_recv_chan_of = goc_receiver<T> *;
#define goc_chan(...) goc_chan_of<__VA_ARGS__>
#define goc_send_chan(...) goc_send_chan_of<__VA_ARGS__>
#define goc_recv_chan(...) goc_recv_chan_of<__VA_ARGS__>

struct goc_unit {
};

template <class C> struct goc_chan_traits {
    static constexpr bool sends = false, receives = false;
    typedef int elem;
};
template <class T> struct goc_chan_traits<goc_sender<T> *> {
    static constexpr bool sends = true, receives = false;
    typedef T elem;
};
template <class T> struct goc_chan_traits<goc_receiver<T> *> {
    static constexpr bool sends = false, receives = true;
    typedef T elem;
};
template <class T> struct goc_chan_traits<goc_channel<T> *> {
    static constexpr bool sends = true, receives = true;
    typedef T elem;
};
#define GOC_TRAITS(ch) goc_chan_traits<typename std::decay<decltype(ch)>::type>
#define GOC_ELEM(ch) typename GOC_TRAITS(ch)::elem

template <class T> struct goc_element {
    static_assert(std::is_trivially_copyable<T>::value, "goc: an element is copied as bytes");
    static constexpr size_t size = std::is_empty<T>::value ? 0 : sizeof(T);
};
#define GOC_SIZE(...) goc_element<__VA_ARGS__>::size
#define GOC_SIZE_OF(ch) goc_element<GOC_ELEM(ch)>::size
#define GOC_UNIT goc_unit()

/* A value on its way in, and the place for one on its way out: temporaries of the caller's expression. The
   value is converted, and the program's variable read, where the macro stands. */
template <class T> struct goc_value {
    T value;
    goc_value(T v) : value(v)
    {
    }
    operator const void *() const
    {
        return &value;
    }
};
template <class T> struct goc_place {
    alignas(T) unsigned char room[sizeof(T)];
    operator void *()
    {
        return room;
    }
};
#define GOC_VALUE(ch, ...) goc_value<GOC_ELEM(ch)>(__VA_ARGS__)

template <class T> inline T goc_received(void *place)
{
    return *static_cast<T *>(place);
}
#define goc_recv(ch)                      \
    (GOC_CHECK_RECV(ch),                  \
     goc_received<GOC_ELEM(ch)>(          \
         goc_chan_recv(GOC_CHAN_HANDLE(ch), goc_place<GOC_ELEM(ch)>())))

/* The second variable has the first one's type in its own, or one declaration could not make both. */
template <class T> using goc_array_of = T (*)[1];
#define goc_range(v, ch)                                                                            \
    for (GOC_ELEM(ch) v, (*goc_range_##v)[1] =                                                      \
             reinterpret_cast<goc_array_of<GOC_ELEM(ch)>>(goc_receiving(ch));                       \
         goc_chan_next(GOC_CHAN_HANDLE(goc_range_##v), (void *)&v);)
template <class T> inline goc_receiver<T> *goc_receiving(goc_receiver<T> *ch)
{
    return ch;
}

/* --- checks: the same that C's macros make ------------------------------------------------------- */

template <class C> constexpr int goc_can_send()
{
    static_assert(goc_chan_traits<C>::sends, "goc: send on, or close of, a receive-only channel");
    return 0;
}
template <class C> constexpr int goc_can_receive()
{
    static_assert(goc_chan_traits<C>::receives, "goc: receive from a send-only channel");
    return 0;
}
/* Whether the value converts is seen where it is converted; but a fraction is not cut off unsaid. */
template <class C, class V> constexpr int goc_fits()
{
    typedef typename goc_chan_traits<C>::elem T;
    static_assert(!std::is_floating_point<V>::value || !std::is_integral<T>::value,
                  "goc: the value's type is not the channel's element type");
    return goc_can_send<C>();
}
template <class C, class P> constexpr int goc_into()
{
    typedef typename goc_chan_traits<C>::elem T;
    static_assert(std::is_same<P, T *>::value || std::is_same<P, void *>::value ||
                      std::is_same<P, std::nullptr_t>::value || std::is_integral<P>::value,
                  "goc: the destination does not point to the channel's element type");
    return goc_can_receive<C>();
}
#define GOC_DECAY(...) typename std::decay<decltype(__VA_ARGS__)>::type
#define GOC_CHECK_SEND(ch, ...) (void)goc_fits<GOC_DECAY(ch), GOC_DECAY(__VA_ARGS__)>()
#define GOC_CHECK_RECV(ch) (void)goc_can_receive<GOC_DECAY(ch)>()
#define GOC_CHECK_RECV_TO(ch, p) (void)goc_into<GOC_DECAY(ch), GOC_DECAY(p)>()
#define GOC_CHECK_CLOSE(ch) (void)goc_can_send<GOC_DECAY(ch)>()
#define GOC_CHECK_OK(ok) (void)0

/* --- select --------------------------------------------------------------------------------------- */

/* The cases live until the end of the expression in which goc_select stands. */
template <class Case> inline Case *goc_cases(std::initializer_list<Case> cases)
{
    return const_cast<Case *>(cases.begin());
}
template <class... Case> char (&goc_count(const Case &...))[sizeof...(Case) + 1];

/* --- go and defer ---------------------------------------------------------------------------------- */

template <class T> struct goc_word {
    static constexpr bool ok = std::is_integral<T>::value || std::is_enum<T>::value ||
                               std::is_pointer<T>::value || std::is_same<T, std::nullptr_t>::value;
};
template <bool...> struct goc_bools {
};

/* The words of a call: each argument becomes its parameter's type, by C++'s own rules, and then a word. */
template <class R, class... A> struct goc_call {
    static_assert(std::is_same<goc_bools<true, goc_word<A>::ok...>,
                               goc_bools<goc_word<A>::ok..., true>>::value,
                  "go: a parameter that is not an integer, enum, bool or pointer");
    R (*function)(A...);
    void words(uintptr_t *to, A... v) const
    {
        goc_call::put(to, v...);
    }
    static void put(uintptr_t *)
    {
    }
    template <class T, class... Rest> static void put(uintptr_t *to, T v, Rest... rest)
    {
        *to = (uintptr_t)v;
        goc_call::put(to + 1, rest...);
    }
};
template <class R, class... A> inline goc_call<R, A...> goc_call_of(R (*fn)(A...))
{
    return {fn};
}
template <class R> inline void *goc_call_of_none(R (*fn)())
{
    return (void *)fn;
}

template <class P> struct goc_as_is {
    typedef P type;
};
template <class Deferred, class R, class P>
inline Deferred goc_deferral_of(R (*fn)(P *), typename goc_as_is<P *>::type arg)
{
    return {(void (*)(void *))fn, (void *)arg, 0};
}

#endif
