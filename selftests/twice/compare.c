// SPDX-License-Identifier: GPL-2.0
/* Make the same call on both sides, and compare the results. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "twice.h"

/* A test prints this number of differences of different kinds. */
#define MAX_PRINTED 100

void result_add(struct result *res, const char *name, uint64_t value)
{
	if (res->nr == MAX_FIELDS)
		abort();
	res->fields[res->nr++] = (struct field) { name, value };
}

long result_ret(struct result *res, long ret)
{
	if (ret < 0)
		ret = -errno;
	result_add(res, "ret", ret);
	return ret;
}

void result_words(struct result *res, const void *data, size_t size)
{
	static const char *const names[] = {
		"word0",  "word1",  "word2",  "word3",	"word4",  "word5",
		"word6",  "word7",  "word8",  "word9",	"word10", "word11",
		"word12", "word13", "word14", "word15", "word16", "word17",
		"word18", "word19", "word20", "word21", "word22", "word23",
		"word24", "word25", "word26", "word27", "word28", "word29",
		"word30", "word31",
	};
	size_t i;

	for (i = 0; i < NR(names) && 4 * (i + 1) <= size; i++) {
		uint32_t word;

		memcpy(&word, (const char *)data + 4 * i, sizeof(word));
		result_add(res, names[i], word);
	}
}

static void print_value(const struct field *field)
{
	long value = field->value;

	if (value < 0 && value > -4096)
		printf("%s", strerrorname_np(-value) ?: "?");
	else
		printf("0x%lx", value);
}

/* True for the first difference of its kind. */
static bool is_new(const struct op *op, const uint64_t *args,
		   const struct field *physical, const struct field *vuser)
{
	static struct {
		const struct op *op;
		uint64_t arg;
		struct field physical;
		uint64_t vuser;
	} old[MAX_PRINTED];
	static unsigned int nr;
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (old[i].op == op && old[i].arg == args[0] &&
		    old[i].physical.name == physical->name &&
		    old[i].physical.value == physical->value &&
		    old[i].vuser == vuser->value)
			return false;
	if (nr == MAX_PRINTED)
		return false;
	old[nr].op = op;
	old[nr].arg = args[0];
	old[nr].physical = *physical;
	old[nr++].vuser = vuser->value;
	return true;
}

static void print_difference(struct pair *pair, const struct op *op,
			     const uint64_t *args, const struct field *physical,
			     const struct field *vuser)
{
	unsigned int i;

	printf("# %s: %s(", pair->model, op->name);
	for (i = 0; i < MAX_ARGS && op->args[i].name; i++)
		printf("%s%s 0x%lx", i ? ", " : "", op->args[i].name, args[i]);
	printf("): %s: vfio-pci ", physical->name);
	print_value(physical);
	printf(", vuser ");
	print_value(vuser);
	printf("\n");
}

/* Is this field the contents of a register that earlier calls may have changed? */
static bool is_contents(const struct pair *pair, const struct op *op,
			const struct field *field)
{
	const struct op *access;

	if (!pair->at_random ||
	    (strncmp(field->name, "word", 4) && strcmp(field->name, "value")))
		return false;
	for (access = access_ops; access->name; access++)
		if (access == op)
			return true;
	return false;
}

static void compare(struct pair *pair, const struct op *op,
		    const uint64_t *args, const struct result *results,
		    struct score *score, bool *same)
{
	const struct result *p = &results[PHYSICAL], *v = &results[VUSER];
	unsigned int i;

	for (i = 0; i < p->nr && i < v->nr; i++) {
		if (p->fields[i].name == v->fields[i].name &&
		    p->fields[i].value == v->fields[i].value)
			continue;
		if (is_contents(pair, op, &p->fields[i]))
			continue;
		*same = false;
		if (!known_difference(pair->model, op, args, &p->fields[i],
				      &v->fields[i])) {
			score->differences++;
			if (is_new(op, args, &p->fields[i], &v->fields[i]))
				print_difference(pair, op, args, &p->fields[i],
						 &v->fields[i]);
		}
		/* The other fields depend on the first one. */
		if (!i)
			return;
	}
}

bool call_both(struct pair *pair, const struct op *op, const uint64_t *args,
	       struct score *score)
{
	struct result results[NR_SIDES] = {};
	bool same = true;
	int i;

	for (i = 0; i < NR_SIDES; i++)
		op->run(&pair->side[i], args, &results[i]);
	score->calls++;
	compare(pair, op, args, results, score, &same);
	return same;
}

/*
 * Calls @op with each combination of the values of its arguments.  @before, if there
 * is one, runs before each call.
 */
static void call_all(struct pair *pair, const struct op *op,
		     void (*before)(struct pair *pair, uint32_t index),
		     uint32_t index, struct score *score)
{
	unsigned int at[MAX_ARGS] = {}, i;
	uint64_t args[MAX_ARGS] = {};

	do {
		for (i = 0; i < MAX_ARGS && op->args[i].name; i++)
			args[i] = op->args[i].values[at[i]];
		if (before)
			before(pair, index);
		call_both(pair, op, args, score);
		/* The next combination: the last argument changes first. */
		while (i-- && ++at[i] == op->args[i].nr)
			at[i] = 0;
	} while (i != -1U);
}

void call_table(struct pair *pair, const struct op *ops, struct score *score)
{
	for (; ops->name; ops++)
		call_all(pair, ops, NULL, 0, score);
}

static void restore_irqs(struct pair *pair, uint32_t index)
{
	int i;

	if (!pair->side[PHYSICAL].irqs_changed &&
	    !pair->side[VUSER].irqs_changed)
		return;
	for (i = 0; i < NR_SIDES; i++)
		side_enable_irqs(&pair->side[i], index);
}

void call_irqs(struct pair *pair, uint32_t index, struct score *score)
{
	struct vfio_irq_info info[NR_SIDES];
	int i;

	/* If one side has no such interrupts, all that follows would differ. */
	for (i = 0; i < NR_SIDES; i++)
		if (irq_info(pair->side[i].dev.device, index, &info[i]))
			info[i].count = 0;
	if (info[PHYSICAL].count != info[VUSER].count)
		return;
	pair->side[PHYSICAL].irqs_changed = true;
	call_all(pair, irq_ops, restore_irqs, index, score);
}

/* Random calls ------------------------------------------------------------- */

/* xorshift64* */
static uint64_t roll(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1d;
}

static unsigned int pick(uint64_t *state, unsigned int n)
{
	return (roll(state) >> 32) % n;
}

/* Mostly a value of the table; at times its neighbour, or any number. */
static uint64_t pick_value(uint64_t *state, const struct arg *arg)
{
	uint64_t value = arg->values[pick(state, arg->nr)];

	switch (pick(state, 16)) {
	case 0:
		return value + 1;
	case 1:
		return value - 1;
	case 2:
		return roll(state) >> pick(state, 64);
	default:
		return value;
	}
}

/* The first CHANGING tables have operations whose effect lasts. */
#define CHANGING 3

static const struct op *const random_ops[] = {
	irq_ops, dma_state_ops, open_ops, access_ops, device_ops, config_ops,
};

/* An operation of a table. */
static const struct op *pick_op(uint64_t *state, const struct op *ops)
{
	unsigned int n = 0;

	while (ops[n].name)
		n++;
	return &ops[pick(state, n)];
}

static int reopen(struct pair *pair)
{
	pair_close(pair);
	return pair_open(pair);
}

void call_random(struct pair *pair, uint64_t seed, unsigned int count,
		 struct score *score)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15 + 1, args[MAX_ARGS] = {};
	unsigned int i, table;
	bool same;

	roll(&state);
	pair->at_random = true;
	while (count--) {
		const struct op *op;

		table = pick(&state, NR(random_ops));
		op = pick_op(&state, random_ops[table]);
		for (i = 0; i < MAX_ARGS && op->args[i].name; i++)
			args[i] = pick_value(&state, &op->args[i]);
		same = call_both(pair, op, args, score);
		/* After different effects, all that follows would differ. */
		if (((same || table >= CHANGING) && pick(&state, 200)) ||
		    !reopen(pair))
			continue;
		score->differences++;
		return;
	}
}
