/* main.c - goc-race: which command. */
#include "findings.h"
#include "tool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command {
    const char *name, *usage, *what;
    int options; /* of options.def */
} commands[] = {
    {"run",
     "[run] [OPTION...] [--] PROGRAM [ARG...]\n       goc-race run [OPTION...] FILE.c... [-- "
     "ARG...]",
     "run a program, or C sources, under the detector", RUN},
    {"cc", "cc ARG...", "compile and link with the instrumentation ($GOC_CC, default gcc)", 0},
    {"c++", "c++ ARG...", "the same for C++ ($GOC_CXX, default g++)", 0},
    {"explore", "explore [OPTION...] PROGRAM [ARG...]",
     "run it under many schedules, and print each new finding with the schedule that replays it",
     RUN | EXPLORE},
    {"replay", "replay [OPTION...] SCHEDULE PROGRAM [ARG...]", "run exactly that schedule again", RUN},
    {"report", "report [OPTION...] FILE...", "render saved findings, several files merged", REPORT},
    {"explain", "explain [KIND]", "what a kind of finding means and how to fix it", 0},
    {"completion", "completion bash|zsh|fish", "print a completion script", 0},
    {"help", "help [COMMAND]", "this, or the help of a command", 0},
};

#define COMMANDS (sizeof commands / sizeof *commands)

static const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* After words on standard output. */
static int said(void)
{
    if (fflush(stdout) != 0)
        die("cannot write standard output: %s", strerror(errno));
    return 0;
}

static int help(const char *name)
{
    const struct command *c = name ? command_find(name) : NULL;
    if (name && !c)
        die("unknown command '%s' (goc-race --help lists them)", name);
    if (c) {
        printf("usage: goc-race %s\n%s\n", c->usage, c->what);
        if (c->options) {
            printf("\nOptions (also in GOCRACE=\"name=value ...\", over which the command line "
                   "wins):\n");
            options_help(stdout, c->options);
        }
    } else {
        printf("goc-race: find data races, deadlocks and leaks in C programs\n\n");
        for (size_t i = 0; i < COMMANDS; i++)
            printf("%s goc-race %s\n", i ? "      " : "usage:", commands[i].usage);
        printf("       goc-race --version\n\nOptions of run:\n");
        options_help(stdout, RUN);
        printf(
            "\nExit status: the program's own; 66 when something was found; 124 timed out;\n"
            "125 goc-race itself failed; 126 cannot execute; 127 not found; 128+N killed by N.\n");
    }
    return said();
}

static bool is_source(const char *s)
{
    return has_suffix(s, ".c") || has_suffix(s, ".cc") || has_suffix(s, ".cpp") ||
           has_suffix(s, ".cxx");
}

static int run(int argc, char **argv, int i, const char *name)
{
    static struct options o;
    options_init(&o);
    o.explore = strcmp(name, "explore") == 0;
    i = options_parse(&o, argc, argv, i, RUN | (o.explore ? EXPLORE : 0), name);
    if (strcmp(name, "replay") == 0) {
        if (i == argc)
            die("no schedule to replay (goc-race help replay)");
        o.schedule = argv[i++];
        schedule_check(o.schedule);
    }
    if (i == argc)
        die("no program to run (goc-race help %s)", name);
    if (!is_source(argv[i]) || access(argv[i], X_OK) == 0)
        return launch(&o, argv + i);
    int n = 0;
    while (i + n < argc && is_source(argv[i + n]))
        n++;
    char **args = argv + i + n;
    if (*args && strcmp(*args, "--") == 0)
        args++;
    return run_sources(&o, n, argv + i, args);
}

int report(int argc, char **argv)
{
    static struct options o;
    struct findings all;
    options_init(&o);
    struct strs files = {0};
    for (int i = 0; i < argc; i++) {
        i = options_parse(&o, argc, argv, i, REPORT, "report");
        if (i < argc)
            strs_add(&files, argv[i]);
    }
    if (!files.n)
        die("no file to report (goc-race help report)");
    /* All files are read before a word is written: a bad one is an error, not half a report. */
    findings_init(&all, &o);
    for (size_t i = 0; i < files.n; i++)
        findings_load(&all, files.v[i], false);
    findings_output(&all, o.format, NULL, stdout);
    findings_outputs(&all);
    findings_replay(&all);
    findings_end(&all);
    findings_free(&all);
    strs_free(&files);
    return 0;
}

/* Of a program that is started alone, before it starts: does not return if $GOCRACE is bad, or a
   file that it names. */
static int check_options(void)
{
    static struct options o;
    struct findings all;
    options_init(&o);
    findings_init(&all, &o);
    findings_free(&all);
    findings_check_outputs(&o);
    /* What a program that is timed starts inherits the variable, and ends with it or does not. */
    if (o.timeout > 0 && !getenv(RECORD_ENV_TOOL))
        warn("GOCRACE: timeout is for goc-race run; a program that is started alone is not timed");
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = argc && strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    if (argc && strcmp(name, "as") == 0)
        return assembler(argc, argv);
    if (argc < 2)
        die("no program to run (goc-race --help)");
    const char *c = argv[1];
    /* A reader that goes away (| head) is an error to tell. The commands that start programs set
       the signal up themselves. */
    if (strcmp(c, "cc") != 0 && strcmp(c, "c++") != 0)
        tool_sigpipe = signal(SIGPIPE, SIG_IGN);
    if (strcmp(c, "--version") == 0) {
        printf("goc-race %s\n", GOC_VERSION);
        return said();
    }
    if (strcmp(c, "--help") == 0 || strcmp(c, "-h") == 0)
        return help(NULL);
    if (argc > 2 && strcmp(argv[2], "--help") == 0 && command_find(c) && strcmp(c, "cc") != 0 &&
        strcmp(c, "c++") != 0)
        return help(c);
    if (strcmp(c, "help") == 0)
        return help(argc > 2 ? argv[2] : NULL);
    if (strcmp(c, "cc") == 0 || strcmp(c, "c++") == 0)
        return driver(argc - 2, argv + 2, c[1] == '+');
    if (strcmp(c, "report") == 0)
        return report(argc - 2, argv + 2);
    if (strcmp(c, "explain") == 0)
        return explain(argc - 2, argv + 2);
    if (strcmp(c, "completion") == 0)
        return completion(argc - 2, argv + 2);
    if (strcmp(c, "render-fd") == 0 && (argc == 3 || argc == 4)) {
        static struct options o;
        options_init(&o);
        return render_fd(&o, atoi(argv[2]), argc == 4 ? atoi(argv[3]) : -1);
    }
    if (strcmp(c, "await") == 0 && argc == 3 && atoi(argv[2]) > 0)
        return await(atoi(argv[2]));
    if (strcmp(c, "check-options") == 0 && argc == 2)
        return check_options();
    if (strcmp(c, "frames-fd") == 0 && argc == 3)
        return frames_fd(atoi(argv[2]));
    if (strcmp(c, "explore") == 0 || strcmp(c, "replay") == 0)
        return run(argc, argv, 2, c);
    return run(argc, argv, strcmp(c, "run") == 0 ? 2 : 1, "run");
}
