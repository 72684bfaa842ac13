// SPDX-License-Identifier: GPL-2.0
/* Options as a table: parsing and help text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/exit-status.h"
#include "../../common/option.h"
#include "../harness.h"

enum {
	OPT_LONG = 256,
	OPT_MAYBE,
};

static const struct opt table[] = {
	{ "all", 'a', NULL, false, "take all" },
	{ "file", 'f', "FILE", false, "read FILE" },
	{ "long-option", OPT_LONG, "a|b", false,
	  "a text that is so long that one line of eighty columns cannot hold it" },
	{ "maybe", OPT_MAYBE, "N", true, "an optional argument" },
	{},
};

static struct option_parser parser;

static void begin(bool stop)
{
	option_begin(&parser, stop);
	option_add(&parser, table);
	option_add(&parser, NULL);
}

TEST(short_and_long_options_return_their_keys)
{
	char *argv[] = { "x",	       "-a",	  "-f",	     "one",
			 "--file=two", "--maybe", "operand", NULL };

	begin(false);
	check_eq(option_next(&parser, 7, argv), 'a');
	check(parser.last == &table[0]);
	check_eq(option_next(&parser, 7, argv), 'f');
	check(!strcmp(optarg, "one"));
	check_eq(option_next(&parser, 7, argv), 'f');
	check(!strcmp(optarg, "two"));
	check_eq(option_next(&parser, 7, argv), OPT_MAYBE);
	check(!optarg && parser.last == &table[3]);
	check_eq(option_next(&parser, 7, argv), -1);
	check_eq(optind, 6);
}

TEST(options_after_an_operand_are_left_if_the_parser_stops_there)
{
	char *argv[] = { "x", "operand", "-a", NULL };

	begin(true);
	check_eq(option_next(&parser, 3, argv), -1);
	check_eq(optind, 1);
	begin(false);
	check_eq(option_next(&parser, 3, argv), 'a');
}

TEST(unknown_option_returns_a_question_mark)
{
	char *argv[] = { "x", "--none", NULL };

	begin(false);
	opterr = 0;
	check_eq(option_next(&parser, 2, argv), '?');
}

TEST(help_has_each_option_and_at_most_80_columns)
{
	const struct opt *opt;
	char *text, *line, *rest;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	require(file);
	option_print(file, table);
	fclose(file);
	check(strstr(text, "  -f, --file FILE "));
	check(strstr(text, "      --maybe[=N] "));
	for (opt = table; opt->name; opt++)
		check(strstr(text, opt->name));
	check(strstr(text, "cannot hold it"));
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		check(strlen(line) <= 80);
	free(text);
}

TEST(errors_have_the_statuses_of_sysexits)
{
	check_eq(exit_status(0), EX_OK);
	check_eq(exit_status(-EPERM), EX_NOPERM);
	check_eq(exit_status(-EACCES), EX_NOPERM);
	check_eq(exit_status(-EINVAL), EX_USAGE);
	check_eq(exit_status(-ENODEV), EX_NOINPUT);
	check_eq(exit_status(-ENOENT), EX_UNAVAILABLE);
	check_eq(exit_status(-EEXIST), EX_CANTCREAT);
	check_eq(exit_status(-ETIMEDOUT), EX_TEMPFAIL);
	check_eq(exit_status(-EPROTO), EX_PROTOCOL);
	check_eq(exit_status(-EIO), EX_IOERR);
	check_eq(exit_status(-ENOMEM), EX_OSERR);
}
