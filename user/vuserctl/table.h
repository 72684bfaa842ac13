/* SPDX-License-Identifier: GPL-2.0 */
/* A table of text, which fits the terminal and has colours only there. */
#ifndef VUSERCTL_TABLE_H
#define VUSERCTL_TABLE_H

#include <stdbool.h>

struct libscols_table;

/**
 * struct table_column - a column
 * @title: title
 * @right: align the cells at the right
 * @cut: a terminal that is too narrow cuts the cells off
 */
struct table_column {
	const char *title;
	bool right;
	bool cut;
};

/**
 * table_new - make a table
 * @columns: its columns
 * @nr: number of columns
 * @titles: print the titles
 *
 * Return: the table, to be passed to table_print(); NULL without memory.
 */
struct libscols_table *table_new(const struct table_column *columns, int nr,
				 bool titles);

/* Add a row of as many cells as there are columns; 0 or -ENOMEM. */
int table_add(struct libscols_table *table, const char *const *cells);

/* Give a colour of terminal-colors.d(5) to a cell of the last row. */
void table_colour(struct libscols_table *table, int column, const char *name);

/* Print the table, unless it is empty, and free it; 0 or -errno. */
int table_print(struct libscols_table *table);

#endif /* VUSERCTL_TABLE_H */
