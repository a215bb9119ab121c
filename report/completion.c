/*
 * completion.c - goc-race completion SHELL: a completion script, from the table of options.
 *
 * The scripts are written by the tool and not kept as files, so that they cannot disagree with it.
 */
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char commands[] = "run explore replay cc c++ report explain completion help";

/* "--name" with the words its value can be, or NULL for a file name; from options_words. */
static void each(int where, void (*fn)(const char *name, const char *arg, const char *help))
{
    char *text, *save;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    options_words(f, where);
    fclose(f);
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *arg = strchr(line, '\t'), *help = arg ? strchr(arg + 1, '\t') : NULL;
        if (!help)
            continue;
        *arg++ = 0;
        *help++ = 0;
        fn(line, arg, help);
    }
    free(text);
}

static bool choice(const char *arg)
{
    return strchr(arg, '|') || strchr(arg, ',');
}

static void bash_option(const char *name, const char *arg, const char *help)
{
    printf(" %s", name);
}

static void bash_value(const char *name, const char *arg, const char *help)
{
    if (!choice(arg))
        return;
    printf("    %.*s)\n        COMPREPLY=($(compgen -W '", (int)strlen(name) - 1, name);
    for (const char *p = arg; *p; p++)
        if (!(has_prefix(p, "FILE")))
            putchar(*p == '|' || *p == ',' ? ' ' : *p);
        else
            p += 3;
    printf("' -- \"$cur\"))\n        return ;;\n");
}

static void bash(void)
{
    printf("# bash completion for goc-race\n"
           "_goc_race() {\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} opts\n"
           "    COMPREPLY=()\n"
           "    if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then "
           "prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
           "    case $prev in\n");
    each(RUN, bash_value);
    printf("    explain)\n        COMPREPLY=($(compgen -W 'race lockorder deadlock leak misuse' -- "
           "\"$cur\"))\n        return ;;\n"
           "    completion)\n        COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$cur\"))\n"
           "        return ;;\n    help)\n        COMPREPLY=($(compgen -W '%s' -- \"$cur\"))\n"
           "        return ;;\n    esac\n"
           "    case ${COMP_WORDS[1]} in\n    cc|c++) ;;\n    report) opts='",
           commands);
    each(REPORT, bash_option);
    printf("' ;;\n    explore) opts='");
    each(RUN | EXPLORE, bash_option);
    printf("' ;;\n    *) opts='");
    each(RUN, bash_option);
    printf("' ;;\n    esac\n"
           "    if [[ $cur == -* ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$opts --help --version\" -- \"$cur\"))\n"
           "        [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
           "        return\n    fi\n"
           "    [[ $COMP_CWORD == 1 ]] && COMPREPLY=($(compgen -W '%s' -- \"$cur\"))\n"
           "    COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
           "}\n"
           "complete -o filenames -F _goc_race goc-race\n",
           commands);
}

/* Inside single quotes; a quote or a bracket of the text would end something. */
static void quoted(const char *s)
{
    for (; *s; s++)
        if (*s == '\'')
            printf("'\\''");
        else if (*s == '[' || *s == ']' || *s == ':')
            printf("\\%c", *s);
        else
            putchar(*s);
}

static void zsh_option(const char *name, const char *arg, const char *help)
{
    printf("    '*%.*s=-[", (int)strlen(name) - 1, name);
    quoted(help);
    printf("]:value:");
    if (choice(arg)) {
        putchar('(');
        for (const char *p = arg; *p; p++)
            putchar(*p == '|' || *p == ',' ? ' ' : *p);
        putchar(')');
    } else {
        printf("_files");
    }
    printf("'\n");
}

static void zsh(void)
{
    printf("#compdef goc-race\n"
           "local -a run explore report\nrun=(\n");
    each(RUN, zsh_option);
    printf(")\nexplore=(\n");
    each(EXPLORE, zsh_option);
    printf(")\nreport=(\n");
    each(REPORT, zsh_option);
    printf(")\n"
           "if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
           "    compadd %s\n    _files\n    return\nfi\n"
           "case $words[2] in\n"
           "cc) words[1]=gcc service=gcc; _normal ;;\n"
           "explain) compadd race lockorder deadlock leak misuse ;;\n"
           "completion) compadd bash zsh fish ;;\n"
           "help) compadd %s ;;\n"
           "explore) shift words; (( CURRENT-- )); "
           "_arguments -S $run $explore '*:program:_files' ;;\n"
           "report) shift words; (( CURRENT-- )); _arguments -S $report '*:file:_files' ;;\n"
           "run|replay) shift words; (( CURRENT-- )); _arguments -S $run '*:program:_files' ;;\n"
           "*) _arguments -S $run '*:program:_files' ;;\n"
           "esac\n",
           commands, commands);
}

static const char *fish_condition;

static void fish_option(const char *name, const char *arg, const char *help)
{
    printf("complete -c goc-race -n '%s' -l %.*s -r", fish_condition, (int)strlen(name) - 3,
           name + 2);
    if (choice(arg)) {
        printf(" -f -a '");
        for (const char *p = arg; *p; p++)
            putchar(*p == '|' || *p == ',' ? ' ' : *p);
        printf("'");
    }
    printf(" -d '");
    for (const char *p = help; *p; p++)
        printf(*p == '\'' ? "\\'" : "%c", *p);
    printf("'\n");
}

static void fish(void)
{
    printf("# fish completion for goc-race\n"
           "complete -c goc-race -n __fish_use_subcommand -a '%s'\n"
           "complete -c goc-race -n '__fish_seen_subcommand_from explain' -f "
           "-a 'race lockorder deadlock leak misuse'\n"
           "complete -c goc-race -n '__fish_seen_subcommand_from completion' -f "
           "-a 'bash zsh fish'\n"
           "complete -c goc-race -n '__fish_seen_subcommand_from help' -f -a '%s'\n",
           commands, commands);
    fish_condition = "not __fish_seen_subcommand_from cc c++ report explain completion help";
    each(RUN, fish_option);
    fish_condition = "__fish_seen_subcommand_from explore";
    each(EXPLORE, fish_option);
    fish_condition = "__fish_seen_subcommand_from report";
    each(REPORT, fish_option);
}

int completion(int argc, char **argv)
{
    if (argc == 1 && strcmp(argv[0], "bash") == 0)
        bash();
    else if (argc == 1 && strcmp(argv[0], "zsh") == 0)
        zsh();
    else if (argc == 1 && strcmp(argv[0], "fish") == 0)
        fish();
    else
        die("completion: expected one of bash, zsh, fish");
    if (fflush(stdout) != 0)
        die("cannot write standard output: %s", strerror(errno));
    return 0;
}
