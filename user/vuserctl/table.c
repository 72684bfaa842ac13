// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <libsmartcols.h>

#include "table.h"

/* See https://no-color.org. */
static bool want_colours(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no && *no);
}

struct libscols_table *table_new(const struct table_column *columns, int nr,
				 bool titles)
{
	struct libscols_table *table = scols_new_table();
	int i;

	if (!table)
		return NULL;
	for (i = 0; i < nr; i++)
		if (!scols_table_new_column(
			    table, columns[i].title, 0,
			    (columns[i].right ? SCOLS_FL_RIGHT : 0) |
				    (columns[i].cut ? SCOLS_FL_TRUNC : 0)))
			goto err;
	if (scols_table_set_column_separator(table, "  "))
		goto err;
	scols_table_enable_noheadings(table, !titles);
	scols_table_enable_colors(table, want_colours());
	return table;
err:
	scols_unref_table(table);
	return NULL;
}

int table_add(struct libscols_table *table, const char *const *cells)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	size_t i, nr = scols_table_get_ncols(table);

	if (!line)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		if (scols_line_set_data(line, i, cells[i]))
			return -ENOMEM;
	return 0;
}

void table_colour(struct libscols_table *table, int column, const char *name)
{
	size_t nr = scols_table_get_nlines(table);
	struct libscols_line *line = scols_table_get_line(table, nr - 1);

	scols_cell_set_color(scols_line_get_cell(line, column), name);
}

int table_print(struct libscols_table *table)
{
	int ret = 0;

	if (!scols_table_is_empty(table))
		ret = scols_print_table(table);
	scols_unref_table(table);
	return ret;
}
