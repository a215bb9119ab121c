/*
 * det_waitfor.c - who holds what and who waits for whom, driven through the detector's own events.
 *
 * As in det_lockorder.c one thread plays all goroutines, so each cycle closes exactly where the test says, and
 * each has a twin that stays open by one thing. A goroutine that waits is a record whose wait has been told and
 * not ended. Kinds of locks differ in who may unlock them: a thread's (OWNED) by its owner alone, so that a cycle
 * is certain when it closes; goc's by anybody, so that it is first suspected (waitfor.c).
 *
 * The last test sets the reading of a mutex's holder without a lock against a thread that takes and leaves
 * two mutexes as fast as it can, by one and the same entry.
 */
#include "common.h"
#include "facts.h"
#include "goroutine.h"
#include "sync.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t mem[4096] __attribute__((aligned(64)));
#define A (&mem[0])
#define B (&mem[8])
#define C (&mem[16])
#define RW (&mem[24])

#define OWNED LOCK_OWNED
#define ANYBODY 0

static struct race_g *goroutine(void)
{
    static uint64_t goid = 1;
    det_init();
    return g_new(NULL, ++goid, 0, 0, 0);
}

/* Each place has a pc of its own, so that findings differ. */
#define HERE (0x400000 + __LINE__ * 16)
#define LOCK(g, l, mode) lock_event_locked(g, HOOK_OBJ_MUTEX, l, mode, HERE)
#define UNLOCK(g, l) lock_event_unlock(g, HOOK_OBJ_MUTEX, l, HOOK_WRITE, HERE)
#define WAIT(g, l, mode) lock_event_wait(g, HOOK_OBJ_MUTEX, l, mode, HERE)
#define RLOCK(g, l) lock_event_locked(g, HOOK_OBJ_RWMUTEX, l, HOOK_READ | OWNED, HERE)
#define WAIT_RW(g, l, mode) lock_event_wait(g, HOOK_OBJ_RWMUTEX, l, (mode) | OWNED, HERE)

#define FOUND(n) ck_assert_uint_eq(det_findings(), n)

START_TEST(two_of_threads)
{
    struct race_g *a = goroutine(), *b = goroutine();
    LOCK(a, A, OWNED);
    LOCK(b, B, OWNED);
    WAIT(a, B, OWNED);
    FOUND(0);
    WAIT(b, A, OWNED);
    FOUND(1);
}
END_TEST

START_TEST(a_chain_is_no_cycle)
{
    struct race_g *a = goroutine(), *b = goroutine(), *c = goroutine();
    LOCK(a, A, OWNED);
    LOCK(b, B, OWNED);
    WAIT(b, A, OWNED);
    WAIT(c, B, OWNED);
    FOUND(0);
}
END_TEST

START_TEST(three_in_a_ring)
{
    struct race_g *a = goroutine(), *b = goroutine(), *c = goroutine();
    LOCK(a, A, OWNED);
    LOCK(b, B, OWNED);
    LOCK(c, C, OWNED);
    WAIT(a, B, OWNED);
    WAIT(c, A, OWNED);
    FOUND(0);
    WAIT(b, C, OWNED);
    FOUND(1);
}
END_TEST

START_TEST(a_thread_and_its_own_lock)
{
    struct race_g *a = goroutine();
    LOCK(a, A, OWNED);
    WAIT(a, A, OWNED);
    FOUND(1);
}
END_TEST

START_TEST(who_can_give_up_closes_nothing)
{
    struct race_g *a = goroutine(), *b = goroutine();
    LOCK(a, A, OWNED);
    LOCK(b, B, OWNED);
    WAIT(a, B, OWNED | LOCK_TIMED);
    WAIT(b, A, OWNED);
    FOUND(0);
    lock_event_gave_up(b);
    WAIT(b, A, OWNED | HOOK_TRY);
    FOUND(0);
}
END_TEST

START_TEST(who_gave_up_waits_no_more)
{
    struct race_g *a = goroutine(), *b = goroutine();
    LOCK(a, A, OWNED);
    LOCK(b, B, OWNED);
    WAIT(a, B, OWNED);
    lock_event_gave_up(a);
    WAIT(b, A, OWNED);
    FOUND(0);
}
END_TEST

START_TEST(who_let_go_holds_nothing)
{
    struct race_g *a = goroutine(), *b = goroutine();
    LOCK(a, A, OWNED);
    LOCK(b, B, OWNED);
    UNLOCK(b, B);
    WAIT(a, B, OWNED);
    WAIT(b, A, OWNED);
    FOUND(0);
}
END_TEST

/* Two readers do not wait for each other, unless a writer waits between them. */
START_TEST(readers_and_a_writer)
{
    struct race_g *a = goroutine(), *b = goroutine(), *w = goroutine();
    RLOCK(a, RW);
    LOCK(b, A, OWNED);
    WAIT_RW(b, RW, HOOK_READ);
    WAIT(a, A, OWNED);
    FOUND(0);
    lock_event_gave_up(b);
    WAIT_RW(w, RW, HOOK_WRITE);
    FOUND(0);
    WAIT_RW(b, RW, HOOK_READ);
    FOUND(1);
}
END_TEST

START_TEST(a_reader_that_wants_to_write)
{
    struct race_g *a = goroutine();
    RLOCK(a, RW);
    WAIT_RW(a, RW, HOOK_WRITE);
    FOUND(1);
}
END_TEST

/* Goc's: not believed until somebody has looked again. */
START_TEST(suspected_and_standing)
{
    struct race_g *a = goroutine(), *b = goroutine();
    LOCK(a, A, ANYBODY);
    LOCK(b, B, ANYBODY);
    WAIT(a, B, ANYBODY);
    WAIT(b, A, ANYBODY);
    wait_confirm_all(false);
    FOUND(1);
    wait_confirm_all(true);
    FOUND(1);
}
END_TEST

START_TEST(suspected_and_undone)
{
    struct race_g *a = goroutine(), *b = goroutine(), *c = goroutine();
    LOCK(a, A, ANYBODY);
    LOCK(b, B, ANYBODY);
    WAIT(a, B, ANYBODY);
    WAIT(b, A, ANYBODY);
    UNLOCK(c, B); /* it is nobody's from now on */
    wait_confirm_all(false);
    LOCK(a, B, ANYBODY);
    UNLOCK(a, B);
    UNLOCK(a, A);
    FOUND(0);
}
END_TEST

START_TEST(passed_on_has_no_owner)
{
    struct race_g *a = goroutine(), *b = goroutine();
    LOCK(a, A, ANYBODY);
    UNLOCK(b, A);
    LOCK(a, A, ANYBODY);
    LOCK(b, B, ANYBODY);
    WAIT(a, B, ANYBODY);
    WAIT(b, A, ANYBODY);
    wait_confirm_all(true);
    FOUND(0);
}
END_TEST

/* Nobody has been told of a lock that its owner wants again; once he has published something, somebody may. */
START_TEST(itself_and_nobody_told)
{
    struct race_g *a = goroutine();
    LOCK(a, A, ANYBODY);
    WAIT(a, A, ANYBODY);
    wait_confirm_all(false);
    FOUND(1);
}
END_TEST
START_TEST(itself_and_somebody_told)
{
    struct race_g *a = goroutine();
    LOCK(a, A, ANYBODY);
    g_release(a, (uintptr_t)C);
    WAIT(a, A, ANYBODY);
    wait_confirm_all(false);
    FOUND(0);
}
END_TEST

/* --- who holds a lock -------------------------------------------------------------------------------------- */

static u32 holders(const void *l, struct held_fact *out)
{
    return held_holders(lock_find((uintptr_t)l), out, 8);
}

START_TEST(holders_of_each_kind)
{
    struct race_g *a = goroutine(), *b = goroutine();
    struct held_fact h[8];
    LOCK(a, A, OWNED);
    ck_assert_uint_eq(holders(A, h), 1);
    ck_assert_ptr_eq(h[0].g, a);
    uintptr_t pc[4];
    ck_assert_uint_eq(det_stack_get(h[0].stack, pc, 4), 1);
    ck_assert_uint_eq(pc[0], 0x400000 + (__LINE__ - 5) * 16);
    UNLOCK(a, A);
    ck_assert_uint_eq(holders(A, h), 0);
    RLOCK(a, RW);
    RLOCK(b, RW);
    ck_assert_uint_eq(holders(RW, h), 2);
    lock_event_unlock(a, HOOK_OBJ_RWMUTEX, RW, HOOK_READ, HERE);
    ck_assert_uint_eq(holders(RW, h), 1);
    ck_assert_ptr_eq(h[0].g, b);
}
END_TEST

START_TEST(taken_away)
{
    struct race_g *a = goroutine(), *b = goroutine(), *c = goroutine();
    struct held_fact h[8];
    LOCK(a, A, ANYBODY);
    LOCK(a, B, ANYBODY);
    UNLOCK(b, A);
    ck_assert_uint_eq(holders(A, h), 0);
    LOCK(c, A, ANYBODY);
    ck_assert_ptr_eq((holders(A, h), h[0].g), c);
    UNLOCK(a, B);
    LOCK(a, C, ANYBODY); /* a looks: A is no longer its own */
    ck_assert_uint_eq(a->held->n, 1);
    ck_assert_ptr_eq((holders(A, h), h[0].g), c);
}
END_TEST

START_TEST(ends_with_its_life)
{
    struct race_g *a = goroutine(), *b = goroutine();
    struct held_fact h[8];
    LOCK(a, A, OWNED);
    lock_event_forget((uintptr_t)A, 8, false, HERE);
    ck_assert_uint_eq(lock_find((uintptr_t)A), 0);
    LOCK(b, A, OWNED);
    UNLOCK(a, A); /* of the life before: another's now, and it stays b's or nobody's, never a's */
    ck_assert(holders(A, h) == 0 || h[0].g == b);
    ck_assert_uint_eq(a->held->n, 0);
}
END_TEST

static volatile bool stop;
static u64 turns;
static void *takes_turns(void *g)
{
    while (!stop) {
        lock_event_locked(g, HOOK_OBJ_MUTEX, A, OWNED, 0xa000);
        lock_event_unlock(g, HOOK_OBJ_MUTEX, A, HOOK_WRITE, 0xa001);
        lock_event_locked(g, HOOK_OBJ_MUTEX, B, OWNED, 0xb000);
        lock_event_unlock(g, HOOK_OBJ_MUTEX, B, HOOK_WRITE, 0xb001);
        __atomic_store_n(&turns, turns + 1, __ATOMIC_RELEASE);
    }
    return NULL;
}
START_TEST(read_while_it_changes)
{
    struct race_g *a = goroutine();
    LOCK(a, A, OWNED);
    UNLOCK(a, A);
    LOCK(a, B, OWNED);
    UNLOCK(a, B);
    pthread_t t;
    pthread_create(&t, NULL, takes_turns, a);
    u64 seen = 0;
    for (u64 looks = 0; seen < 20000 && looks < 200000000; looks++) {
        struct held_fact h[8];
        const void *l = looks & 1 ? A : B;
        if (holders(l, h) == 0)
            continue;
        uintptr_t pc = 0;
        det_stack_get(h[0].stack, &pc, 1);
        ck_assert_ptr_eq(h[0].g, a);
        ck_assert_uint_eq(pc, l == A ? 0xa000 : 0xb000);
        seen++;
    }
    stop = true;
    pthread_join(t, NULL);
    ck_assert(__atomic_load_n(&turns, __ATOMIC_ACQUIRE) > 0);
}
END_TEST

int main(int argc, char **argv)
{
    /* Findings go nowhere; they are counted. Not those of lock order, which foresees what comes here. */
    if (!getenv("UNIT_FINDINGS")) {
        char fd[16];
        setenv("GOCRACE", "detect=deadlock", 1);
        snprintf(fd, sizeof fd, "%d", open("/dev/null", O_WRONLY));
        setenv("GOCRACE_FD", fd, 1);
        setenv("UNIT_FINDINGS", "1", 1);
        execv("/proc/self/exe", argv);
    }
    const TTest *tests[] = {two_of_threads, a_chain_is_no_cycle, three_in_a_ring,
                            a_thread_and_its_own_lock, who_can_give_up_closes_nothing,
                            who_gave_up_waits_no_more, who_let_go_holds_nothing,
                            readers_and_a_writer, a_reader_that_wants_to_write,
                            suspected_and_standing, suspected_and_undone, passed_on_has_no_owner,
                            itself_and_nobody_told, itself_and_somebody_told, holders_of_each_kind,
                            taken_away, ends_with_its_life, read_while_it_changes};
    return unit_main("wait-for", 60, tests, sizeof tests / sizeof *tests);
}
