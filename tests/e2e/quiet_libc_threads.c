// status: 0
// says: all as it should be
/* Functions of libc that any thread may call at any time, called by six: what libc guards by locks
   of its own, keeps for each thread or reads only is nobody's race. */
#define _GNU_SOURCE
#include <langinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <locale.h>
#include <wchar.h>
#include <iconv.h>
#include <regex.h>
#include <pwd.h>
#include <grp.h>
#include <link.h>
#include <time.h>
#include <errno.h>
#include <netdb.h>
#include <dirent.h>
#include <glob.h>
#include <unistd.h>
static FILE *out, *input;
static int cb(struct dl_phdr_info *i, size_t n, void *a)
{
    ++*(int *)a;
    return 0;
}

static int cmp(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static const regex_t *rx;
static void *work(void *arg)
{
    for (int r = 0; r < 20; r++) {
        fprintf(out, "%d %s\n", r, "text");
        fputs("x\n", out);
        putc('c', out);
        fflush(out);
        ftell(out);
        flockfile(out);
        putc_unlocked('a', out);
        putc_unlocked('\n', out);
        funlockfile(out);
        char b[200];
        snprintf(b, sizeof b, "%d", r);
        (void)atoi(b);
        getenv("HOME");
        getenv("TZ");
        struct tm tm;
        time_t t = time(0);
        localtime_r(&t, &tm);
        mktime(&tm);
        strftime(b, sizeof b, "%c %Z", &tm);
        tzset();
        strerror_r(r, b, sizeof b);
        strerror(r);
        int n = 0;
        dl_iterate_phdr(cb, &n);
        int v[50];
        for (int i = 0; i < 50; i++)
            v[i] = (i * 7) % 50;
        qsort(v, 50, sizeof *v, cmp);
        int k = 7;
        bsearch(&k, v, 50, sizeof *v, cmp);
        rand();
        random();
        unsigned s = r;
        rand_r(&s);
        char str[] = "a b c", *save;
        for (char *p = strtok_r(str, " ", &save); p; p = strtok_r(0, " ", &save))
            ;
        regmatch_t m[2];
        regexec(rx, "hello world", 2, m, 0);
        struct passwd pw, *pp;
        char big[4096];
        getpwuid_r(0, &pw, big, sizeof big, &pp);
        struct group gr, *gp;
        getgrgid_r(0, &gr, big, sizeof big, &gp);
        iconv_t cd = iconv_open("UTF-16", "UTF-8");
        char in[] = "abc", out[20], *ip = in, *op = out;
        size_t il = 3, ol = 20;
        iconv(cd, &ip, &il, &op, &ol);
        iconv_close(cd);
        wchar_t wb[20];
        mbstowcs(wb, "hello", 20);
        swprintf(wb, 20, L"%d", r);
        locale_t l = newlocale(LC_ALL_MASK, "C", 0);
        locale_t old = uselocale(l);
        snprintf(b, 100, "%.2f", 1.5);
        uselocale(old);
        freelocale(l);
        setlocale(LC_ALL, NULL);
        nl_langinfo(CODESET);
        struct addrinfo h = {.ai_flags = AI_NUMERICHOST}, *ai;
        if (!getaddrinfo("127.0.0.1", "80", &h, &ai))
            freeaddrinfo(ai);
        DIR *d = opendir("/");
        while (readdir(d))
            ;
        closedir(d);
        errno = r;
        if (r < 5) {
            FILE *p = popen("true", "r");
            pclose(p);
            FILE *tf = tmpfile();
            if (tf) {
                fputs("a", tf);
                rewind(tf);
                fgetc(tf);
                fclose(tf);
            }
        }
        char *dup = strdup("hi");
        free(dup);
        char *as;
        if (asprintf(&as, "%d", r) > 0)
            free(as);
        fscanf(input, "%*d");
    }
    return arg;
}

#include <langinfo.h>
int main(void)
{
    setlocale(LC_ALL, "");
    out = fopen("/dev/null", "w");
    input = fopen("/dev/zero", "r");
    regex_t r;
    regcomp(&r, "w(or)ld", REG_EXTENDED);
    rx = &r;
    pthread_t t[6];
    for (int i = 0; i < 6; i++)
        pthread_create(&t[i], 0, work, 0);
    for (int i = 0; i < 6; i++)
        pthread_join(t[i], 0);
    regfree(&r);
    fclose(out);
    fclose(input);
    puts("all as it should be");
    return 0;
}
