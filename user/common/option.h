/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Options of a command line as a table, from which getopt_long(), the help text and the
 * completion of shells are made.
 */
#ifndef COMMON_OPTION_H
#define COMMON_OPTION_H

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

/* The highest number of options in the tables of one command line. */
#define OPTION_MAX 48

/**
 * struct opt - an option; a table ends with an entry without a name
 * @name: long name, without dashes
 * @key: what option_next() returns; a letter is also the short name
 * @arg: argument as the help shows it, or NULL. Words in small letters between bars, as
 *	in "auto|never", are the possible values.
 * @optional: the argument may be left out
 * @help: what the option does
 */
struct opt {
	const char *name;
	int key;
	const char *arg;
	bool optional;
	const char *help;
};

/**
 * struct option_parser - a command line that is parsed
 * @longs: for getopt_long()
 * @shorts: for getopt_long()
 * @opts: entry of the table for each entry of @longs
 * @nr: number of entries
 * @last: the option that option_next() returned last
 */
struct option_parser {
	struct option longs[OPTION_MAX + 1];
	char shorts[3 * OPTION_MAX + 2];
	const struct opt *opts[OPTION_MAX];
	unsigned int nr;
	const struct opt *last;
};

/**
 * option_begin - start to parse a command line
 * @parser: filled in
 * @stop: the options end at the first operand
 */
void option_begin(struct option_parser *parser, bool stop);

/* Add a table, which may be NULL. */
void option_add(struct option_parser *parser, const struct opt *table);

/*
 * Parse the next option: its key, '?' after getopt_long() has printed an error, or -1
 * when none is left. getopt's variables optarg and optind are set.
 */
int option_next(struct option_parser *parser, int argc, char **argv);

/* Print a table, which may be NULL, as help text of at most 80 columns. */
void option_print(FILE *to, const struct opt *table);

#endif /* COMMON_OPTION_H */
