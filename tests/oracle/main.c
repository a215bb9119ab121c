/*
 * main.c - the driver: makes programs, has them run, compares the detector's word with the
 * oracle's.
 *
 *     oracle --exec PATH [--seed N] [--count N] [--seconds S] [--par] [--procs P] [--save DIR] [--coverage] [-v]
 *     oracle --exec PATH --program FILE [--repeat N] [--no-shrink] [-v]
 * and [--std FILE] [--races FILE]: the last trace, and what races in it, as std.c says
 *
 * The executor is started once for each program, with the program in shared memory, the record
 * stream going to a file in memory, and options that switch off what would hide a verdict (one
 * report for equal stacks, a limit on reports). Then, per location:
 *
 *  - false alarm: a finding whose two accesses do not race on any byte that both touch;
 *  - wrong: they race, but the earlier one it names, by its restored stack, is not one of those
 * that race with the later one;
 *  - missed: a pair that races by the oracle, on a byte, and no finding about the later of the two
 *    accesses covers the byte (asked for with one P only);
 *  - status: it ended in a way that it should not (0 or 66 as findings say, 2 for a deadlock).
 *
 * A program with a difference is shrunk: operations are taken out, in chunks of half, a quarter, …
 * of what is left, as long as the difference stays (what is left is again a program, see prog.h; a
 * schedule may differ from run to run, so each candidate gets a few). The result is printed with
 * its trace, and saved.
 */
#define _GNU_SOURCE
#include "oracle.h"
#include "../../report/record.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct shared *S;
static int shared_fd, record_fd, output_fd;
static const char *executor;
static int procs = 1, verbose;
static bool with_pairs;

enum outcome { SAME, INCONCLUSIVE, FALSE_ALARM, WRONG, MISSED, STATUS, TIMEOUT, N_OUTCOMES };
static const char *const outcome_name[] = {"same",   "inconclusive", "false alarm", "wrong access",
                                           "missed", "status",       "timed out"};

struct finding {
    uint64_t addr, size, prev_addr, prev_size;
    uint32_t flags, prev_flags, subkind;
    uint64_t goid, prev_goid;
    uint64_t granule, bytes; /* which of these eight raced, a bit each */
    uint64_t tag, prev_tag;  /* out of fake_pc, or NO_TAG: none in the stack */
};
#define NO_TAG UINT64_MAX
#define TWO_TAGS 1 /* no operation is within another: a stack that is wrong */
static struct finding *finding;
static uint32_t nfinding, finding_room, nother, nunrestored;
static int status;
static char why[400];
static struct verdict verdict;
static uint64_t totals[N_OUTCOMES], total_races, total_findings, total_events, total_deadlocks,
    total_unrestored;

/* --- running -------------------------------------------------------------------------------------
 */

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* When ids are taken from the dead, races with those may go unseen; nothing may be made up. */
static bool few_ids(void)
{
    return S->seed % 8 == 6;
}

static bool run_once(void)
{
    S->nevents = S->ninst = S->done = S->children = S->children_found = 0;
    memset(S->ev, 0, sizeof S->ev);
    if (ftruncate(record_fd, 0) || ftruncate(output_fd, 0))
        abort();
    lseek(record_fd, 0, SEEK_SET);
    lseek(output_fd, 0, SEEK_SET);
    pid_t pid = fork();
    if (pid == 0) {
        char text[64];
        dup2(output_fd, 1);
        dup2(output_fd, 2);
        snprintf(text, sizeof text, "%d", shared_fd);
        setenv("ORACLE_FD", text, 1);
        snprintf(text, sizeof text, "%d", record_fd);
        setenv(RECORD_ENV_FD, text, 1);
        setenv(RECORD_ENV_NOTICE, "1", 1);
        /* Every eighth program meets the end of the epochs, every few releases; another the end of
           the ids. */
        setenv(RECORD_ENV_OPTIONS,
               S->seed % 8 == 7 ? "detect=race debug_all=1 max_reports=0 debug_epoch=1073741819"
               : few_ids()      ? "detect=race debug_all=1 max_reports=0 debug_ids=9"
                                : "detect=race debug_all=1 max_reports=0",
               1);
        snprintf(text, sizeof text, "%d", S->par ? procs : 1);
        setenv("GOMAXPROCS", text, 1);
        personality(ADDR_NO_RANDOMIZE);
        if (!S->par) /* taken: the runtime then does without pre-emption */
            signal(SIGURG, SIG_IGN);
        execl(executor, executor, (char *)NULL);
        _exit(127);
    }
    uint64_t until = now_ms() + 20000;
    int nap = 200;
    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (now_ms() > until) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return false;
        }
        usleep((useconds_t)nap);
        if (nap < 20000)
            nap += nap / 4;
    }
    return true;
}

static bool tagged(uint64_t tag, const struct access *a)
{
    return tag == ((fake_pc(a->g, a->op) - FAKE_PC) >> 4 << 4);
}
static void read_findings(void)
{
    nfinding = nother = nunrestored = 0;
    off_t size = lseek(record_fd, 0, SEEK_END);
    if (size <= 0)
        return;
    char *base = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, record_fd, 0);
    if (base == MAP_FAILED)
        abort();
    for (char *r = base; r + sizeof(struct record_head) <= base + size;) {
        struct record_head *h = (struct record_head *)r;
        char *i = r + sizeof *h, *end = i + h->len;
        r = end;
        if (end > base + size || h->type != REC_FINDING)
            continue;
        struct finding f = {.tag = NO_TAG, .prev_tag = NO_TAG};
        uint32_t kind = 0;
        while (i < end) {
            struct record_item *it = (struct record_item *)i;
            char *data = i + sizeof *it;
            i = data + (it->len + 7) / 8 * 8;
            if (it->tag == ITEM_FINDING) {
                kind = ((struct record_finding *)data)->kind;
                f.subkind = ((struct record_finding *)data)->subkind;
            } else if (it->tag == ITEM_PART) {
                struct record_part *p = (struct record_part *)data;
                uint64_t *pc = (uint64_t *)(p + 1), tag = NO_TAG;
                for (uint32_t k = 0; k < p->depth; k++)
                    if (pc[k] >= FAKE_PC && pc[k] < FAKE_END)
                        tag = tag == NO_TAG || tag == (pc[k] - FAKE_PC) >> 4 << 4
                                  ? (pc[k] - FAKE_PC) >> 4 << 4
                                  : TWO_TAGS;
                if (p->role == PART_ACCESS) {
                    f.addr = p->addr;
                    f.size = p->size;
                    f.flags = p->flags;
                    f.goid = p->goid;
                    f.granule = p->addr2;
                    f.bytes = p->aux;
                    f.tag = tag;
                } else if (p->role == PART_PREVIOUS) {
                    f.prev_addr = p->addr;
                    f.prev_size = p->size;
                    f.prev_flags = p->flags;
                    f.prev_goid = p->goid;
                    f.prev_tag = tag;
                }
            }
        }
        if (kind != FINDING_RACE) {
            nother++;
        } else {
            if (nfinding == finding_room) {
                finding_room = finding_room ? finding_room * 2 : 256;
                finding = realloc(finding, finding_room * sizeof *finding);
                if (!finding)
                    abort();
            }
            nunrestored += f.prev_tag == NO_TAG;
            finding[nfinding++] = f;
        }
    }
    munmap(base, (size_t)size);
}

/* --- comparing ---------------------------------------------------------------------------- */

static bool covers(const struct finding *f, uint64_t byte)
{
    return byte - f->granule < 8 && f->bytes >> (byte - f->granule) & 1;
}
static bool is_cur(const struct finding *f, const struct access *a)
{
    return (f->tag == NO_TAG || tagged(f->tag, a)) && !!(f->flags & PART_WRITE) == a->write &&
           !!(f->flags & PART_ATOMIC) == a->atomic;
}
static bool is_prev(const struct finding *f, const struct access *a)
{
    return (f->prev_tag == NO_TAG || tagged(f->prev_tag, a)) &&
           !!(f->prev_flags & PART_WRITE) == a->write &&
           !!(f->prev_flags & PART_ATOMIC) == a->atomic;
}

/* One of the bytes that raced. */
static bool touches(const struct finding *f, const struct access *a)
{
    for (uint32_t i = 0; i < 8; i++)
        if (f->bytes >> i & 1 && f->granule + i - a->addr < a->size)
            return true;
    return false;
}

static void say_access(char *to, size_t size, const struct access *a)
{
    snprintf(to, size, "g%u op %u: %s%s of %u at %#llx", a->g, a->op, a->atomic ? "atomic " : "",
             a->free    ? "free"
             : a->write ? "write"
                        : "read",
             a->size, (unsigned long long)a->addr);
}
static void say_finding(char *to, size_t size, const struct finding *f)
{
    char op[2][40] = {"op ?", "op ?"};
    uint64_t tag[2] = {f->tag, f->prev_tag};
    for (int i = 0; i < 2; i++)
        if (tag[i] != NO_TAG)
            snprintf(op[i], sizeof op[i], "g%u op %u", (unsigned)(tag[i] >> 20),
                     (unsigned)(tag[i] >> 4 & 0xffff));
    snprintf(to, size,
             "bytes %#llx of %#llx: %s (goroutine %llu): %s%s of %llu at %#llx "
             "after %s (goroutine %llu): %s%s%s of %llu at %#llx",
             (unsigned long long)f->bytes, (unsigned long long)f->granule, op[0],
             (unsigned long long)f->goid, f->flags & PART_ATOMIC ? "atomic " : "",
             f->flags & PART_WRITE ? "write" : "read", (unsigned long long)f->size,
             (unsigned long long)f->addr, op[1], (unsigned long long)f->prev_goid,
             f->prev_flags & PART_ATOMIC ? "atomic " : "",
             f->prev_flags & PART_WRITE ? "write" : "read",
             f->prev_flags & PART_FREE ? " (free)" : "", (unsigned long long)f->prev_size,
             (unsigned long long)f->prev_addr);
}

static enum outcome check_finding(const struct finding *f)
{
    bool names = false;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < verdict.nrace; i++) {
        const struct race *r = &verdict.race[i];
        if (!covers(f, r->byte))
            continue;
        /* With several Ps the log does not know which of the two came first. */
        for (int swap = 0; swap <= (int)S->par; swap++) {
            const struct access *a = &verdict.access[swap ? r->prev : r->cur];
            const struct access *b = &verdict.access[swap ? r->cur : r->prev];
            if (!is_cur(f, a))
                continue;
            bytes |= 1ull << (r->byte - f->granule);
            names = names || is_prev(f, b);
        }
    }
    bool races = bytes && bytes == f->bytes;
    if (races && !names) {
        /* It may name another access of the same goroutine that races just as well: one that the
           last one made superfluous. */
        for (uint32_t c = 0; c < verdict.naccess && !names; c++) {
            const struct access *a = &verdict.access[c];
            if (!is_cur(f, a) || a->addr != f->addr)
                continue;
            for (uint32_t p = 0; p < (S->par ? verdict.naccess : c) && !names; p++) {
                const struct access *b = &verdict.access[p];
                names = is_prev(f, b) && (a->write || b->write) && !(a->atomic && b->atomic) &&
                        touches(f, b) && !oracle_ordered(p, c);
            }
        }
    }
    if (races && names)
        return SAME;
    int n = snprintf(why, sizeof why,
                     "%s: ", races ? "the earlier access named is wrong" : "no race by the oracle");
    say_finding(why + n, sizeof why - (size_t)n, f);
    return races ? WRONG : FALSE_ALARM;
}

/* Is there a finding about this pair's later access, on this byte? */
static bool reported(uint32_t i)
{
    const struct race *r = &verdict.race[i];
    const struct access *a = &verdict.access[r->cur], *b = &verdict.access[r->prev];
    for (uint32_t k = 0; k < nfinding; k++)
        if (covers(&finding[k], r->byte) && is_cur(&finding[k], a) &&
            (!with_pairs || is_prev(&finding[k], b)))
            return true;
    return false;
}

/* Was it told of an earlier access that is the same to everybody: by the same goroutine, which has
   published nothing since, of a kind that says as much? */
static bool told_before(uint32_t i)
{
    const struct race *r = &verdict.race[i];
    const struct access *a = &verdict.access[r->cur];
    for (uint32_t k = 0; k < i; k++) {
        const struct race *q = &verdict.race[k];
        const struct access *b = &verdict.access[q->cur];
        if (q->byte == r->byte && q->prev == r->prev && b->g == a->g && b->epoch == a->epoch &&
            b->write >= a->write && b->atomic <= a->atomic && reported(k))
            return true;
    }
    return false;
}

static enum outcome compare(void)
{
    bool signalled = WIFSIGNALED(status);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (signalled || (code != 0 && code != 66 && code != 2)) {
        snprintf(why, sizeof why, signalled ? "killed by signal %d" : "exit status %d",
                 signalled ? WTERMSIG(status) : code);
        return STATUS;
    }
    if (code == 0 && !S->done) {
        snprintf(why, sizeof why, "ended with 0 before main did");
        return STATUS;
    }
    /* A child's findings are in its own status. */
    if ((code == 66 || S->children_found) != (nfinding + nother > 0) && S->done) {
        snprintf(why, sizeof why, "exit status %d with %u findings", code, nfinding);
        return STATUS;
    }
    total_deadlocks += !S->done;
    total_unrestored += nunrestored;
    for (uint32_t i = 0; i < nfinding; i++) {
        enum outcome o = check_finding(&finding[i]);
        if (o != SAME)
            return o;
    }
    if (S->par || few_ids())
        return SAME;
    for (uint32_t i = 0; i < verdict.nrace; i++) {
        const struct access *a = &verdict.access[verdict.race[i].cur];
        if (reported(i) || told_before(i))
            continue;
        int n = snprintf(why, sizeof why, "byte %#llx: ", (unsigned long long)verdict.race[i].byte);
        say_access(why + n, sizeof why - (size_t)n, a);
        n = (int)strlen(why);
        n += snprintf(why + n, sizeof why - (size_t)n, " after ");
        say_access(why + n, sizeof why - (size_t)n, &verdict.access[verdict.race[i].prev]);
        return MISSED;
    }
    return SAME;
}

static enum outcome try_program(void)
{
    why[0] = 0;
    if (!run_once()) {
        snprintf(why, sizeof why, "still running after 20 s");
        return TIMEOUT;
    }
    read_findings();
    if (S->nevents > MAX_EVENTS)
        return INCONCLUSIVE;
    oracle_judge(S, &verdict);
    if (verdict.inconclusive)
        return INCONCLUSIVE;
    return compare();
}

/* --- shrinking ---------------------------------------------------------------------------- */

/* Still different, in the same way, in one of a few runs? */
static bool still(enum outcome o)
{
    for (int i = 0; i < (o == TIMEOUT ? 1 : S->par ? 12 : 3); i++)
        if (try_program() == o)
            return true;
    return false;
}

static void without(struct op *all, uint32_t nall, uint32_t from, uint32_t to)
{
    memcpy(S->op, all, from * sizeof *all);
    memcpy(S->op + from, all + to, (nall - to) * sizeof *all);
    S->nops = nall - (to - from);
}

static void shrink(enum outcome o)
{
    static struct op best[MAX_OPS];
    uint32_t n = S->nops;
    memcpy(best, S->op, n * sizeof *best);
    uint64_t until = now_ms() + 120000;
    for (uint32_t chunk = n / 2; chunk > 0 && now_ms() < until;) {
        bool less = false;
        for (uint32_t from = 0; from < n && now_ms() < until;) {
            uint32_t to = from + chunk < n ? from + chunk : n;
            without(best, n, from, to);
            if (still(o)) {
                n = S->nops;
                memcpy(best, S->op, n * sizeof *best);
                less = true;
            } else {
                from = to;
            }
        }
        if (chunk > 1)
            chunk /= 2;
        else if (!less)
            break;
    }
    memcpy(S->op, best, n * sizeof *best);
    S->nops = n;
    for (int i = 0; i < 20 && try_program() != o; i++)
        ;
}

/* --- telling ------------------------------------------------------------------------------ */

static const char *const event_name[] = {
    "none",         "start",       "finish",  "go",      "access",     "atomic",
    "atomic done",  "fence",       "locked",  "unlock",  "send",       "sent",
    "recv",         "received",    "close",   "wg done", "wg waited",  "once ran",
    "once done",    "cwait",       "cwaited", "csignal", "cbroadcast", "sem acquire",
    "sem acquired", "sem release", "sem left", "malloc",  "acquire", "release", "release merge",
    "fork",         "ctx made",    "ctx seen", "tick made", "tick wait", "ticked",
};

static void tell(FILE *f)
{
    program_write(S, f);
    fprintf(f, "--- trace\n");
    for (uint32_t i = 0; i < S->nevents && i < MAX_EVENTS; i++) {
        const struct event *e = &S->ev[i];
        fprintf(f, "%5u g%u op %u %s %#llx %llu %#llx val %llu flags %x\n", i, e->g, e->op,
                event_name[e->kind], (unsigned long long)e->a, (unsigned long long)e->b,
                (unsigned long long)e->c, (unsigned long long)e->val, e->flags);
    }
    fprintf(f, "--- oracle: %u pairs\n", verdict.nrace);
    char a[200], b[200];
    for (uint32_t i = 0; i < verdict.nrace && i < 200; i++) {
        say_access(a, sizeof a, &verdict.access[verdict.race[i].cur]);
        say_access(b, sizeof b, &verdict.access[verdict.race[i].prev]);
        fprintf(f, "%#llx: %s after %s\n", (unsigned long long)verdict.race[i].byte, a, b);
    }
    fprintf(f, "--- detector: %u findings\n", nfinding);
    for (uint32_t i = 0; i < nfinding && i < 200; i++) {
        char text[400];
        say_finding(text, sizeof text, &finding[i]);
        fprintf(f, "%s\n", text);
    }
    static char out[4000];
    ssize_t k = pread(output_fd, out, sizeof out - 1, 0);
    if (k > 0)
        fprintf(f, "--- output\n%.*s\n", (int)k, out);
}

/* Shrinks what is in S, prints it, saves it. */
static void difference(enum outcome o, const char *save, bool small)
{
    printf("seed %llu%s: %s: %s\n", (unsigned long long)S->seed, S->par ? " par" : "",
           outcome_name[o], why);
    fflush(stdout);
    if (small) {
        shrink(o);
        printf("shrunk to %u operations: %s\n", S->nops, why);
        tell(stdout);
        fflush(stdout);
    }
    if (save) {
        char path[500];
        snprintf(path, sizeof path, "%s/%s-%llu.txt", save, S->par ? "par" : "one",
                 (unsigned long long)S->seed);
        FILE *f = fopen(path, "w");
        if (f) {
            program_write(S, f);
            fclose(f);
            printf("saved as %s\n", path);
        }
    }
}

static void count(enum outcome o)
{
    totals[o]++;
    if (o == SAME) {
        total_races += verdict.nrace;
        total_findings += nfinding;
        total_events += S->nevents;
        coverage_add(S);
    }
}

/* The last trace. Nothing is told of one that the oracle cannot judge. */
static bool export(const char *trace, const char *races)
{
    FILE *f;
    if (trace) {
        if (!(f = fopen(trace, "w"))) {
            perror(trace);
            return false;
        }
        if (!verdict.inconclusive)
            oracle_std(S, &verdict, f);
        fclose(f);
    }
    if (races) {
        if (!(f = fopen(races, "w"))) {
            perror(races);
            return false;
        }
        if (!verdict.inconclusive)
            oracle_races(&verdict, f);
        fclose(f);
    }
    return true;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, number = UINT64_MAX;
    double seconds = 1e9;
    bool par = false, small = true, coverage = false;
    const char *save = NULL, *program = NULL, *std_file = NULL, *races_file = NULL;
    uint64_t repeat = 1, limit = 5;
    for (int i = 1; i < argc; i++) {
        const char *v = i + 1 < argc ? argv[i + 1] : "";
        if (!strcmp(argv[i], "--exec"))
            executor = v, i++;
        else if (!strcmp(argv[i], "--seed"))
            seed = strtoull(v, NULL, 0), i++;
        else if (!strcmp(argv[i], "--count"))
            number = strtoull(v, NULL, 0), i++;
        else if (!strcmp(argv[i], "--seconds"))
            seconds = strtod(v, NULL), i++;
        else if (!strcmp(argv[i], "--procs"))
            procs = atoi(v), par = procs > 1, i++;
        else if (!strcmp(argv[i], "--save"))
            save = v, i++;
        else if (!strcmp(argv[i], "--program"))
            program = v, i++;
        else if (!strcmp(argv[i], "--repeat"))
            repeat = strtoull(v, NULL, 0), i++;
        else if (!strcmp(argv[i], "--limit"))
            limit = strtoull(v, NULL, 0), i++;
        else if (!strcmp(argv[i], "--std"))
            std_file = v, i++;
        else if (!strcmp(argv[i], "--races"))
            races_file = v, i++;
        else if (!strcmp(argv[i], "--no-shrink"))
            small = false;
        else if (!strcmp(argv[i], "--coverage"))
            coverage = true;
        else if (!strcmp(argv[i], "--pairs"))
            with_pairs = true;
        else if (!strcmp(argv[i], "-v"))
            verbose++;
        else {
            fprintf(stderr, "oracle: unknown option %s\n", argv[i]);
            return 125;
        }
    }
    if (!executor || access(executor, X_OK)) {
        fprintf(stderr, "oracle: --exec names no program\n");
        return 125;
    }
    shared_fd = memfd_create("oracle", 0);
    record_fd = memfd_create("records", 0);
    output_fd = memfd_create("output", 0);
    if (shared_fd < 0 || record_fd < 0 || output_fd < 0 || ftruncate(shared_fd, sizeof *S)) {
        perror("oracle: memory");
        return 125;
    }
    /* Appending, so that every writer of records, a forked child too, adds at the end. */
    fcntl(record_fd, F_SETFL, O_APPEND);
    fcntl(output_fd, F_SETFL, O_APPEND);
    S = mmap(NULL, sizeof *S, PROT_READ | PROT_WRITE, MAP_SHARED, shared_fd, 0);
    if (S == MAP_FAILED) {
        perror("oracle: memory");
        return 125;
    }

    uint64_t bad = 0, until = now_ms() + (uint64_t)(seconds * 1000), from = seed;
    if (program) {
        FILE *f = fopen(program, "r");
        if (!f || !program_read(S, f)) {
            fprintf(stderr, "oracle: cannot read %s\n", program);
            return 125;
        }
        fclose(f);
        if (par)
            S->par = 1;
        for (uint64_t i = 0; i < repeat; i++) {
            enum outcome o = try_program();
            count(o);
            if (verbose)
                tell(stdout);
            if (o > INCONCLUSIVE) {
                bad++;
                difference(o, save, small);
                break;
            }
        }
    } else {
        for (; seed - from < number && now_ms() < until && bad < limit; seed++) {
            program_generate(S, seed, par);
            enum outcome o = try_program();
            count(o);
            if (verbose)
                printf(
                    "seed %llu: %s %s: %u ops, %u events, %u goroutines, %u pairs, %u findings\n",
                    (unsigned long long)seed, outcome_name[o], why, S->nops, S->nevents, S->ninst,
                    verdict.nrace, nfinding);
            if (o > INCONCLUSIVE) {
                bad++;
                difference(o, save, small);
            }
        }
    }
    if (!export(std_file, races_file))
        return 125;
    printf("%s: %llu programs, seeds %llu to %llu; %llu events, %llu racing pairs, %llu findings "
           "(%llu without the earlier stack), %llu deadlocks, %llu inconclusive; differences:",
           par ? "several Ps" : "one P", (unsigned long long)(seed - from),
           (unsigned long long)from, (unsigned long long)(seed - 1),
           (unsigned long long)total_events, (unsigned long long)total_races,
           (unsigned long long)total_findings, (unsigned long long)total_unrestored,
           (unsigned long long)total_deadlocks, (unsigned long long)totals[INCONCLUSIVE]);
    for (int o = FALSE_ALARM; o < N_OUTCOMES; o++)
        printf(" %s %llu%s", outcome_name[o], (unsigned long long)totals[o],
               o + 1 < N_OUTCOMES ? "," : "\n");
    /* A few programs need not have them all. */
    if (coverage && !coverage_print() && totals[SAME] >= 300) {
        printf("a primitive was never used\n");
        bad++;
    }
    return bad ? 1 : 0;
}
