# make check CC='goc-race cc' TESTER=goc-race
CFLAGS ?= -g -O1
bank: bank.c
	$(CC) $(CFLAGS) bank.c -o $@ -pthread
check: bank
	$(TESTER) ./bank
