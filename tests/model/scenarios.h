/*
 * scenarios.h - the small programs whose interleavings select.c visits.
 *
 * Each has up to four goroutines of up to four operations over two channels. A KEEP is a select
 * whose waiters are kept from then on (in the runtime: after several in a row); GIVE_UP is the
 * goroutine's end, or its turn to another select.
 */
enum { PROCS = 4, CHANS = 2, CASES = 2, OPS = 4, QUEUE = 8, NOBODY = 0xff };
enum { END, SEND, RECV, CLOSE, SELECT, FORGET, FREE };

struct op {
    uint8_t kind, n, timeout, keep, anew;
    struct {
        uint8_t send, ch;
    } c[CASES];
};

struct scenario {
    const char *name;
    uint8_t cap[CHANS];
    struct op op[PROCS][OPS];
};

#define S(ch_)                                  \
    {                                           \
        .kind = SEND, .n = 1, .c = { {1, ch_} } \
    }
#define R(ch_)                                  \
    {                                           \
        .kind = RECV, .n = 1, .c = { {0, ch_} } \
    }
#define C(ch_)                                   \
    {                                            \
        .kind = CLOSE, .n = 1, .c = { {1, ch_} } \
    }
#define SEL(s1, c1, s2, c2, t)                                            \
    {                                                                     \
        .kind = SELECT, .n = 2, .timeout = t, .c = { {s1, c1}, {s2, c2} } \
    }
#define KEEP(s1, c1, s2, c2)                                           \
    {                                                                  \
        .kind = SELECT, .n = 2, .keep = 1, .c = { {s1, c1}, {s2, c2} } \
    }
/* Free it; and make another one, which has the same address. */
#define X(ch_)                                  \
    {                                           \
        .kind = FREE, .n = 1, .c = { {0, ch_} } \
    }
#define ANEW(ch_)                                          \
    {                                                      \
        .kind = FREE, .n = 1, .anew = 1, .c = { {0, ch_} } \
    }
/* The goroutine ends, or gives its set up for another select. */
#define GIVE_UP        \
    {                  \
        .kind = FORGET \
    }
#define NONE        \
    {               \
        .kind = END \
    }

static const struct scenario scenarios[] = {
    {"two selects that meet",
     {0, 0},
     {{SEL(1, 0, 0, 1, 0), NONE}, {SEL(0, 0, 1, 1, 0), NONE}, {NONE}, {NONE}}},
    {"three selects in a ring",
     {0, 0},
     {{SEL(1, 0, 0, 1, 0), NONE}, {SEL(0, 0, 1, 1, 0), NONE}, {SEL(1, 1, 0, 0, 0), NONE}, {NONE}}},
    {"order of locks against each other",
     {0, 0},
     {{SEL(0, 0, 0, 1, 0), NONE}, {SEL(0, 1, 0, 0, 0), NONE}, {S(0), NONE}, {S(1), NONE}}},
    {"timeout against a sender",
     {0, 0},
     {{SEL(0, 0, 0, 1, 1), NONE}, {S(0), NONE}, {NONE}, {NONE}}},
    {"timeouts against each other, then reuse",
     {0, 0},
     {{SEL(0, 0, 1, 1, 1), SEL(0, 0, 1, 1, 1)}, {SEL(1, 0, 0, 1, 1), R(1)}, {NONE}, {NONE}}},
    {"one channel twice",
     {0, 0},
     {{SEL(0, 0, 1, 0, 1), NONE}, {SEL(1, 0, 0, 0, 1), NONE}, {S(0), NONE}, {NONE}}},
    {"buffered, full and empty",
     {1, 1},
     {{S(0), S(0)}, {SEL(0, 0, 0, 1, 0), R(0)}, {SEL(1, 1, 0, 0, 0), NONE}, {NONE}}},
    {"buffered, with timeouts",
     {1, 0},
     {{S(0), S(0)}, {SEL(0, 0, 0, 1, 1), R(0)}, {SEL(1, 1, 1, 0, 1), NONE}, {NONE}}},
    {"close against select and receive",
     {0, 0},
     {{SEL(0, 0, 0, 1, 0), NONE}, {R(0), NONE}, {C(0), NONE}, {S(1), NONE}}},
    {"close against timeout",
     {0, 1},
     {{SEL(0, 0, 0, 1, 1), R(0)}, {C(0), NONE}, {SEL(0, 0, 1, 1, 0), NONE}, {NONE}}},

    {"kept: two who send",
     {0, 0},
     {{KEEP(0, 0, 0, 1), KEEP(0, 0, 0, 1), KEEP(0, 0, 0, 1)}, {S(0), S(0)}, {S(1)}, {NONE}}},
    {"kept: with another receiver",
     {0, 0},
     {{KEEP(0, 0, 0, 1), KEEP(0, 0, 0, 1)}, {R(0)}, {S(0), S(0)}, {S(1)}}},
    {"kept: two that meet",
     {0, 0},
     {{KEEP(1, 0, 0, 1), KEEP(1, 0, 0, 1), KEEP(1, 0, 0, 1)},
      {KEEP(0, 0, 1, 1), KEEP(0, 0, 1, 1), KEEP(0, 0, 1, 1)},
      {NONE},
      {NONE}}},
    {"kept: three in a ring",
     {0, 0},
     {{KEEP(1, 0, 0, 1), KEEP(1, 0, 0, 1)}, {KEEP(0, 0, 1, 1)}, {KEEP(0, 0, 0, 1)}, {NONE}}},
    {"kept: two of the same, in turn",
     {0, 0},
     {{KEEP(0, 0, 0, 1), KEEP(0, 0, 0, 1)}, {KEEP(0, 0, 0, 1)}, {S(0), S(1)}, {S(0)}}},
    {"kept: buffered, empty",
     {1, 1},
     {{KEEP(0, 0, 0, 1), KEEP(0, 0, 0, 1), KEEP(0, 0, 0, 1)}, {S(0), S(0)}, {S(1)}, {NONE}}},
    {"kept: buffered, full",
     {1, 0},
     {{KEEP(1, 0, 0, 1), KEEP(1, 0, 0, 1), KEEP(1, 0, 0, 1)}, {R(0), R(0)}, {S(1)}, {NONE}}},
    {"kept: closed",
     {0, 0},
     {{KEEP(0, 0, 0, 1), KEEP(0, 0, 0, 1), KEEP(0, 0, 0, 1)}, {S(0), C(0)}, {R(0)}, {S(1)}}},
    {"kept: closed under one who sends",
     {0, 0},
     {{KEEP(1, 0, 0, 1), KEEP(1, 0, 0, 1), GIVE_UP}, {R(0), C(0)}, {S(1)}, {NONE}}},
    {"kept: other selects in between",
     {0, 0},
     {{KEEP(0, 0, 0, 1), SEL(0, 0, 1, 1, 0), KEEP(0, 0, 0, 1)},
      {S(0), S(0)},
      {R(1), S(1)},
      {NONE}}},
    {"kept: a timeout and a receive in between",
     {0, 0},
     {{KEEP(0, 0, 0, 1), SEL(0, 0, 0, 1, 1), R(0), GIVE_UP}, {S(0), S(0)}, {S(1)}, {NONE}}},
    {"kept: given up while others send",
     {0, 0},
     {{KEEP(0, 0, 0, 1), GIVE_UP, KEEP(0, 0, 0, 1), GIVE_UP}, {S(0), S(0)}, {S(1), R(0)}, {NONE}}},
    {"kept: given up for the other way round",
     {0, 0},
     {{KEEP(0, 0, 1, 1), GIVE_UP, KEEP(1, 0, 0, 1), GIVE_UP}, {S(0), R(0)}, {S(1), R(1)}, {NONE}}},
    {"kept: channels freed while it is given up",
     {0, 0},
     {{KEEP(0, 0, 0, 1), GIVE_UP}, {S(0), X(0), X(1)}, {NONE}, {NONE}}},
    {"kept: one channel of two freed",
     {0, 0},
     {{KEEP(0, 0, 0, 1), KEEP(0, 0, 0, 1), S(1), GIVE_UP},
      {S(0), S(0), R(1), X(0)},
      {NONE},
      {NONE}}},
    {"kept: freed with two sets in it",
     {0, 0},
     {{KEEP(0, 0, 0, 1), GIVE_UP}, {KEEP(0, 0, 0, 1), GIVE_UP}, {S(0), S(0), X(0), X(1)}, {NONE}}},
    {"kept: another channel in the same place",
     {0, 1},
     {{KEEP(0, 0, 0, 1), R(1), KEEP(0, 0, 0, 1), GIVE_UP},
      {S(0), ANEW(0), S(1), S(0)},
      {NONE},
      {NONE}}},
};
