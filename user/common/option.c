// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "option.h"

/* The column of the help text, and the maximum number of columns. */
#define TEXT_COLUMN 26
#define COLUMNS	    80

static bool is_letter(int key)
{
	return key > 0 && key < 128 && isalpha(key);
}

void option_begin(struct option_parser *parser, bool stop)
{
	memset(parser, 0, sizeof(*parser));
	if (stop)
		strcpy(parser->shorts, "+");
	/* Have getopt start again. */
	optind = 0;
}

static int has_arg(const struct opt *opt)
{
	if (!opt->arg)
		return no_argument;
	return opt->optional ? optional_argument : required_argument;
}

void option_add(struct option_parser *parser, const struct opt *table)
{
	char *end = parser->shorts + strlen(parser->shorts);

	for (; table && table->name; table++) {
		if (parser->nr == OPTION_MAX)
			abort();
		parser->opts[parser->nr] = table;
		parser->longs[parser->nr++] = (struct option) {
			.name = table->name,
			.has_arg = has_arg(table),
			.val = table->key,
		};
		if (!is_letter(table->key))
			continue;
		*end++ = table->key;
		if (table->arg)
			*end++ = ':';
		if (table->arg && table->optional)
			*end++ = ':';
		*end = '\0';
	}
}

int option_next(struct option_parser *parser, int argc, char **argv)
{
	int key = getopt_long(argc, argv, parser->shorts, parser->longs, NULL);
	unsigned int i;

	for (i = 0; i < parser->nr; i++)
		if (parser->opts[i]->key == key)
			parser->last = parser->opts[i];
	return key;
}

/* Print @text from TEXT_COLUMN on, in as many lines as needed. */
static void print_text(FILE *to, const char *text)
{
	size_t room = COLUMNS - TEXT_COLUMN, len;

	while (strlen(text) > room) {
		for (len = room; len && text[len] != ' '; len--)
			;
		if (!len)
			len = strcspn(text, " ");
		fprintf(to, "%.*s\n%*s", (int)len, text, TEXT_COLUMN, "");
		text += len + strspn(text + len, " ");
	}
	fprintf(to, "%s\n", text);
}

void option_print(FILE *to, const struct opt *table)
{
	int len;

	for (; table && table->name; table++) {
		if (is_letter(table->key))
			len = fprintf(to, "  -%c, --%s", table->key,
				      table->name);
		else
			len = fprintf(to, "      --%s", table->name);
		if (table->arg)
			len += fprintf(to, table->optional ? "[=%s]" : " %s",
				       table->arg);
		if (len > TEXT_COLUMN - 2)
			fprintf(to, "\n%*s", TEXT_COLUMN, "");
		else
			fprintf(to, "%*s", TEXT_COLUMN - len, "");
		print_text(to, table->help);
	}
}
