/*
 * exec_process.c - operations on the process as a whole: fork, signals, jumps.
 *
 * The child of fork is a copy in which the goroutine that forked goes on alone, in memory of its own: it
 * races with nobody. It ends by _exit, with the status that findings give it, which is not its parent's.
 *
 * A handler's accesses are those of the goroutine or thread that it interrupts. Sending a signal orders
 * what was before with the handler.
 */
#include "exec.h"
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const int signals[N_SIGNAL] = {SIGUSR1, SIGUSR2};
/* Of this thread: who raised a signal just now, which, and where its handler writes. */
static __thread struct {
    struct run *x;
    int which;
    uint32_t region;
} raised;

static void handler(int sig)
{
    (void)sig;
    if (!par)
        log_event(raised.x, EV_ACQUIRE, 0, ANN_SIGNAL + (uint64_t)raised.which, 0, 0);
    write_global(raised.x, raised.region * 8, 1);
}

bool process_objects(void)
{
    return signal(signals[0], handler) != SIG_ERR &&
           !sigaction(signals[1], &(struct sigaction){.sa_handler = handler}, NULL);
}

static void run_raise(struct run *x, const struct op *o)
{
    raised.x = x;
    raised.which = o->a;
    raised.region = (uint32_t)o->b;
    if (!par)
        log_event(x, EV_RELEASE_MERGE, 0, ANN_SIGNAL + (uint64_t)o->a, 0, 0);
    raise(signals[o->a]);
}

/* The frames that are entered name this operation: one that stayed would show in a later one's stack. */
static void run_jump(struct run *x, const struct op *o)
{
    jmp_buf env;
    if (_setjmp(env) == 0) {
        for (int i = 0; i < o->a; i++)
            __tsan_func_entry((void *)fake_pc(x->inst, x->op));
        write_global(x, (uint32_t)o->b * 8, 1);
        longjmp(env, 1);
    }
    write_global(x, (uint32_t)o->b * 8 + 1, 1);
}

/* Until the child has ended no goroutine begins an operation (exec_thread.c). */
static void run_fork(struct run *x, const struct op *o)
{
    if ((uint32_t)o->a >= S->nbodies || child || x->thread || par || S->children >= 4)
        return;
    __atomic_add_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
    uint32_t number = ++S->children;
    log_event(x, EV_FORK, 0, number, 0, 0);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0) {
        child = number;
        __tsan_func_exit(); /* the operations name themselves */
        run_body(x, (uint32_t)o->a);
        _exit(0);
    }
    int status;
    while (waitpid(pid, &status, WNOHANG) != pid) /* without sleeping: the P stays ours */
        __builtin_ia32_pause();
    if (!WIFEXITED(status) || (WEXITSTATUS(status) && WEXITSTATUS(status) != 66))
        abort();
    S->children_found += WEXITSTATUS(status) == 66;
    goc_gosched();
    __atomic_sub_fetch(&thread_runs, 1, __ATOMIC_SEQ_CST);
}

bool process_op(struct run *x, const struct op *o)
{
    switch ((enum op_kind)o->kind) {
    case OP_RAISE:
        run_raise(x, o);
        return true;
    case OP_JUMP:
        run_jump(x, o);
        return true;
    case OP_FORK:
        run_fork(x, o);
        return true;
    default:
        return false;
    }
}
