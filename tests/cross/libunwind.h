/* An unwinder that knows no frame, for a machine whose own is not installed (e2e/aarch64.sh). */
#include <ucontext.h>

typedef unsigned long unw_word_t;
typedef ucontext_t unw_context_t;
typedef int unw_cursor_t;
enum { UNW_REG_IP, UNW_INIT_SIGNAL_FRAME };

static inline int unw_getcontext(unw_context_t *uc)
{
    return -1;
}
static inline int unw_init_local(unw_cursor_t *c, unw_context_t *uc)
{
    return -1;
}
static inline int unw_init_local2(unw_cursor_t *c, unw_context_t *uc, int flag)
{
    return -1;
}
static inline int unw_step(unw_cursor_t *c)
{
    return 0;
}
static inline int unw_is_signal_frame(unw_cursor_t *c)
{
    return 0;
}
static inline int unw_get_reg(unw_cursor_t *c, int reg, unw_word_t *value)
{
    *value = 0;
    return 0;
}
static inline int unw_get_proc_name(unw_cursor_t *c, char *name, unsigned long size, unw_word_t *off)
{
    return -1;
}
