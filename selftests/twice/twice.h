/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One device model as two devices: QEMU emulates the first for the virtual
 * machine, vfio-pci owns it, and type1 maps memory behind an IOMMU.  The second
 * is a device of vuser, and QEMU's vfio-user server has the model.
 *
 * Each call on a device is an operation with arguments, which are numbers.  A
 * call runs on both devices, and its results, which are numbers with names, are
 * compared.  known.c lists the differences that are allowed, with their reasons.
 */
#ifndef TWICE_H
#define TWICE_H

#include <linux/vfio.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/vfio.h"

#define NR(array) (sizeof(array) / sizeof((array)[0]))
#define PAGE	  0x1000UL

/* Offsets in configuration space are less than this, and may be too large. */
#define CONFIG_SPAN (PAGE + 2)

/* Sides -------------------------------------------------------------------- */

/* A vector V has the eventfd V % NR_EVENTS. */
#define NR_EVENTS 8

/*
 * @id: the PCI address or the UUID
 * @events: eventfds that do not block
 * @unmask: an eventfd that is never signalled, to unmask INTx with
 * @irqs_changed: a call may have changed which interrupts are enabled
 */
struct side {
	const char *name;
	const char *id;
	struct vfio_dev dev;
	int type;
	int events[NR_EVENTS];
	int unmask;
	bool irqs_changed;
};

enum {
	PHYSICAL,
	VUSER,
	NR_SIDES,
};

struct pair {
	const char *model;
	struct side side[NR_SIDES];
	/*
	 * Calls are made at random: registers have values of earlier calls.  They differ,
	 * because opening a device resets a server, but not each model behind vfio-pci.
	 */
	bool at_random;
};

/*
 * Finds the devices of @model, "edu" for example, in the variable TWICE: words
 * MODEL=ADDRESS,UUID.  Returns 0 or -ENOENT.
 */
int pair_find(struct pair *pair, const char *model, int type);
/* Opens both devices; 0 or -errno. */
int pair_open(struct pair *pair);
void pair_close(struct pair *pair);

int side_open(struct side *side);
void side_close(struct side *side);
/* Disables all interrupts, then enables all vectors of @index if it has any. */
int side_enable_irqs(struct side *side, uint32_t index);

/* Results ------------------------------------------------------------------ */

#define MAX_FIELDS 48

struct result {
	unsigned int nr;
	struct field {
		const char *name;
		uint64_t value;
	} fields[MAX_FIELDS];
};

/* @name is not copied. */
void result_add(struct result *res, const char *name, uint64_t value);
/* Adds the field "ret": @ret, or -errno if @ret is negative. */
long result_ret(struct result *res, long ret);
/* Adds the fields word0, word1 and so on: @size bytes, 4 at a time. */
void result_words(struct result *res, const void *data, size_t size);

/* Operations --------------------------------------------------------------- */

#define MAX_ARGS 6

/*
 * @values: those that are worth a try
 */
struct arg {
	const char *name;
	const uint64_t *values;
	unsigned int nr;
};

#define ARG(name_, values_) \
	{ .name = (name_), .values = (values_), .nr = NR(values_) }

/*
 * @run: makes the call on one side.  A result has the same fields on both sides,
 *	as long as the first field is the same
 */
struct op {
	const char *name;
	void (*run)(struct side *side, const uint64_t *args,
		    struct result *res);
	struct arg args[MAX_ARGS];
};

/* Tables; the last operation has no name. */
extern const struct op device_ops[];
extern const struct op irq_ops[];
extern const struct op access_ops[];
extern const struct op config_ops[];
extern const struct op open_ops[];
extern const struct op dma_ops[];
/* Operations that keep what they did, for calls at random. */
extern const struct op dma_state_ops[];

/* Memory of which exactly @size bytes can be accessed, at most PAGE. */
void *guarded(size_t size);
/* A file that is not an eventfd. */
int other_file(void);

/* Comparison --------------------------------------------------------------- */

/* How a test went on; all of it is zero at first. */
struct score {
	unsigned int calls;
	unsigned int differences;
};

/*
 * Makes a call on both sides.  Prints results that differ and are not known to
 * differ.  Returns true if the sides did the same.
 */
bool call_both(struct pair *pair, const struct op *op, const uint64_t *args,
	       struct score *score);
/* Calls each operation of the table with all arguments. */
void call_table(struct pair *pair, const struct op *ops, struct score *score);
/* Calls irq_ops with all arguments, each time with @index enabled. */
void call_irqs(struct pair *pair, uint32_t index, struct score *score);
/* Makes @count calls at random, and opens both devices again at times. */
void call_random(struct pair *pair, uint64_t seed, unsigned int count,
		 struct score *score);

/* Prepares what the processes of the tests share; 0 or -errno. */
int known_init(void);
/* True if @op on @model may differ in this field; records that it did. */
bool known_difference(const char *model, const struct op *op,
		      const uint64_t *args, const struct field *physical,
		      const struct field *vuser);
/* Prints the known differences that no call showed, and returns their number. */
unsigned int known_unseen(void);

#endif /* TWICE_H */
