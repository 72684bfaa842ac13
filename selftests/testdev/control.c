// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <vuser/guard.h>

#include "control.h"
#include "device.h"
#include "kept.h"
#include "model.h"
#include "wire.h"

#define MAX_ARGS 6
/* Time limit of commands that wait. */
#define WAIT_MS 15000
/* Maximum number of bytes in a command's hexadecimal argument. */
#define HEX_MAX 4096

struct ctl {
	struct device *dev;
	struct wire *wire;
	const char *args[MAX_ARGS];
	char text[TESTDEV_CTL_MAX]; /* result */
};

static uint64_t arg(const struct ctl *c, unsigned int i)
{
	return strtoull(c->args[i], NULL, 0);
}

static void result(struct ctl *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
}

static int unhex(const char *hex, uint8_t *buf, size_t size)
{
	size_t len = strlen(hex) / 2, i;
	unsigned int byte;

	if (strlen(hex) & 1 || len > size)
		return -EINVAL;
	for (i = 0; i < len; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			return -EINVAL;
		buf[i] = byte;
	}
	return len;
}

static int do_pid(struct ctl *c)
{
	result(c, "%d", getpid());
	return 0;
}

static int do_restore(struct ctl *c)
{
	pthread_mutex_lock(&c->dev->lock);
	c->dev->onread = false;
	c->dev->onmap = false;
	pthread_mutex_unlock(&c->dev->lock);
	wire_restore(c->wire);
	return 0;
}

static int do_log_clear(struct ctl *c)
{
	wire_log_clear(c->wire);
	return 0;
}

static int do_log_stop(struct ctl *c)
{
	wire_log_stop(c->wire);
	return 0;
}

static int do_log_count(struct ctl *c)
{
	result(c, "%u", wire_log_count(c->wire));
	return 0;
}

static int do_log_get(struct ctl *c)
{
	struct wire_access acc;
	int ret = wire_log_get(c->wire, arg(c, 0), &acc);

	if (!ret)
		result(c, "%c %u %" PRIx64 " %u %" PRIx64, acc.dir, acc.region,
		       acc.offset, acc.size, acc.value);
	return ret;
}

static int do_count(struct ctl *c)
{
	int cmd = wire_command(c->args[0]);

	if (cmd < 0)
		return cmd;
	result(c, "%lu", wire_count(c->wire, cmd));
	return 0;
}

static int do_wait(struct ctl *c)
{
	int cmd = wire_command(c->args[0]);

	return cmd < 0 ? cmd : wire_wait(c->wire, cmd, arg(c, 1), WAIT_MS);
}

static int do_hold(struct ctl *c)
{
	int cmd = wire_command(c->args[0]);

	if (cmd < 0)
		return cmd;
	wire_hold(c->wire, cmd);
	return 0;
}

static int do_held(struct ctl *c)
{
	return wire_wait_held(c->wire, arg(c, 0), WAIT_MS);
}

static int do_release(struct ctl *c)
{
	wire_release(c->wire);
	return 0;
}

static int do_fail(struct ctl *c)
{
	int cmd = wire_command(c->args[0]);

	if (cmd < 0)
		return cmd;
	wire_fail(c->wire, cmd, arg(c, 1), arg(c, 2));
	return 0;
}

static int do_corrupt(struct ctl *c)
{
	int cmd = wire_command(c->args[0]);

	return cmd < 0 ? cmd : wire_corrupt(c->wire, cmd, c->args[1]);
}

static int do_strip_fds(struct ctl *c)
{
	wire_strip_fds(c->wire, arg(c, 0));
	return 0;
}

static int do_answer_posted(struct ctl *c)
{
	wire_answer_posted(c->wire, arg(c, 0));
	return 0;
}

static int do_raw(struct ctl *c)
{
	uint8_t buf[HEX_MAX];
	int len = unhex(c->args[0], buf, sizeof(buf));

	return len < 0 ? len : wire_raw(c->wire, buf, len);
}

static int do_raw_wait(struct ctl *c)
{
	int ret = wire_raw_wait(c->wire, WAIT_MS);

	if (ret < 0)
		return ret;
	result(c, "%d", ret);
	return 0;
}

static int do_peek(struct ctl *c)
{
	uint32_t size = arg(c, 2);
	uint64_t value = 0;
	uint8_t *mem;

	mem = device_memory(c->dev, arg(c, 0), arg(c, 1), size);
	if (!mem || size > sizeof(value))
		return -EINVAL;
	memcpy(&value, mem, size);
	result(c, "0x%" PRIx64, value);
	return 0;
}

static int do_poke(struct ctl *c)
{
	uint64_t value = arg(c, 3);
	uint32_t size = arg(c, 2);
	uint8_t *mem;

	mem = device_memory(c->dev, arg(c, 0), arg(c, 1), size);
	if (!mem || size > sizeof(value))
		return -EINVAL;
	memcpy(mem, &value, size);
	return 0;
}

/*
 * Return the time before the interrupt, to measure how long a consumer takes to
 * wake up.
 */
static int do_irq(struct ctl *c)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	result(c, "%lld", now.tv_sec * 1000000000ll + now.tv_nsec);
	return vuser_irq_trigger(c->dev->server, arg(c, 0), arg(c, 1));
}

static int do_raise(struct ctl *c)
{
	result(c, "%s", model_raise(c->dev, arg(c, 0)));
	return 0;
}

static int do_irq_enabled(struct ctl *c)
{
	result(c, "%d",
	       vuser_irq_enabled(c->dev->server, arg(c, 0), arg(c, 1)));
	return 0;
}

static int do_doorbell(struct ctl *c)
{
	struct pollfd pfd = { .events = POLLIN };
	uint64_t nr = arg(c, 0), count = 0;

	if (nr >= TESTDEV_NR_DOORBELLS)
		return -EINVAL;
	pfd.fd = c->dev->doorbells[nr];
	if (poll(&pfd, 1, arg(c, 1)) == 1 &&
	    read(pfd.fd, &count, sizeof(count)) < 0)
		return -errno;
	result(c, "%" PRIu64, count);
	return 0;
}

static int do_last_write(struct ctl *c)
{
	result(c, "%u", (unsigned int)c->dev->last_write);
	return 0;
}

static int do_dma_count(struct ctl *c)
{
	pthread_mutex_lock(&c->dev->lock);
	result(c, "%u", c->dev->nr_dma);
	pthread_mutex_unlock(&c->dev->lock);
	return 0;
}

/*
 * Describe the dma region with an IOVA: start, size, protection, mapped or not.
 */
static int do_dma_find(struct ctl *c)
{
	const struct vuser_dma_region *reg;
	uint64_t iova = arg(c, 0);
	int ret = -ENOENT;
	unsigned int i;

	pthread_mutex_lock(&c->dev->lock);
	for (i = 0; i < c->dev->nr_dma; i++) {
		reg = &c->dev->dma[i];
		if (iova < reg->iova || iova - reg->iova >= reg->size)
			continue;
		result(c, "0x%" PRIx64 " 0x%" PRIx64 " %c%c %d", reg->iova,
		       reg->size, reg->prot & PROT_READ ? 'r' : '-',
		       reg->prot & PROT_WRITE ? 'w' : '-', !!reg->map);
		ret = 0;
		break;
	}
	pthread_mutex_unlock(&c->dev->lock);
	return ret;
}

static int do_dma_read(struct ctl *c)
{
	uint8_t buf[HEX_MAX];
	uint64_t len = arg(c, 1), i;
	int ret;

	if (len > sizeof(buf))
		return -EINVAL;
	ret = vuser_dma_read(c->dev->server, arg(c, 0), buf, len);
	for (i = 0; !ret && i < len; i++)
		sprintf(c->text + 2 * i, "%02x", buf[i]);
	return ret;
}

static int do_dma_write(struct ctl *c)
{
	uint8_t buf[HEX_MAX];
	int len = unhex(c->args[1], buf, sizeof(buf));

	if (len < 0)
		return len;
	return vuser_dma_write(c->dev->server, arg(c, 0), buf, len);
}

static int do_dma_fill(struct ctl *c)
{
	uint64_t len = arg(c, 1);
	uint8_t *buf = malloc(len);
	int ret;

	if (!buf)
		return -ENOMEM;
	memset(buf, arg(c, 2), len);
	ret = vuser_dma_write(c->dev->server, arg(c, 0), buf, len);
	free(buf);
	return ret;
}

/* Add up the bytes, each multiplied by its position plus one. */
static int do_dma_sum(struct ctl *c)
{
	uint64_t len = arg(c, 1), sum = 0, i;
	uint8_t *buf = malloc(len);
	int ret;

	if (!buf)
		return -ENOMEM;
	ret = vuser_dma_read(c->dev->server, arg(c, 0), buf, len);
	for (i = 0; !ret && i < len; i++)
		sum += buf[i] * (i + 1);
	free(buf);
	result(c, "%" PRIu64, sum);
	return ret;
}

static int do_dma_copy(struct ctl *c)
{
	uint64_t len = arg(c, 2);
	uint8_t *buf = malloc(len);
	int ret;

	if (!buf)
		return -ENOMEM;
	ret = vuser_dma_read(c->dev->server, arg(c, 1), buf, len);
	if (!ret)
		ret = vuser_dma_write(c->dev->server, arg(c, 0), buf, len);
	free(buf);
	return ret;
}

/*
 * Copy as servers do that look up each buffer in one dma region: fails if a buffer
 * crosses from one dma region to the next.
 */
static int do_dma_move(struct ctl *c)
{
	struct vuser_dma_ref to, from;
	uint64_t len = arg(c, 2);
	int ret;

	ret = vuser_dma_get(c->dev->server, arg(c, 1), len, PROT_READ, &from);
	if (ret)
		return ret;
	ret = vuser_dma_get(c->dev->server, arg(c, 0), len, PROT_WRITE, &to);
	if (!ret) {
		if (vuser_guard_copy(to.ptr, from.ptr, len))
			ret = -EFAULT;
		vuser_dma_put(c->dev->server, &to);
	}
	vuser_dma_put(c->dev->server, &from);
	return ret;
}

/* Read memory, which one dma region has, word by word: how long that takes. */
static int do_dma_stream(struct ctl *c)
{
	struct timespec begin, end;
	struct vuser_dma_ref ref;
	uint64_t len = arg(c, 1), i;
	int ret;

	ret = vuser_dma_get(c->dev->server, arg(c, 0), len, PROT_READ, &ref);
	if (ret)
		return ret;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (i = 0; i + 8 <= len; i += 8)
		*(volatile uint64_t *)((char *)ref.ptr + i);
	clock_gettime(CLOCK_MONOTONIC, &end);
	vuser_dma_put(c->dev->server, &ref);
	result(c, "%lld",
	       (end.tv_sec - begin.tv_sec) * 1000000000ll + end.tv_nsec -
		       begin.tv_nsec);
	return 0;
}

static int do_dma_ptr(struct ctl *c)
{
	struct vuser_dma_ref ref;
	int ret = vuser_dma_get(c->dev->server, arg(c, 0), 1, PROT_READ, &ref);

	if (ret)
		return ret;
	result(c, "0x%" PRIx64, (uint64_t)(uintptr_t)ref.ptr);
	vuser_dma_put(c->dev->server, &ref);
	return 0;
}

static int do_keep(struct ctl *c)
{
	wire_keep(c->wire, arg(c, 0));
	return 0;
}

static int do_kept_map(struct ctl *c)
{
	return kept_map(arg(c, 0) ? PROT_READ | PROT_WRITE : PROT_READ);
}

static int do_kept_peek(struct ctl *c)
{
	uint64_t value = 0;
	int ret = kept_peek(arg(c, 0), &value);

	result(c, "0x%" PRIx64, value);
	return ret;
}

static int do_kept_poke(struct ctl *c)
{
	return kept_poke(arg(c, 0), arg(c, 1));
}

static int do_kept_pread(struct ctl *c)
{
	uint64_t value = 0;
	int ret = kept_pread(arg(c, 0), &value);

	result(c, "0x%" PRIx64, value);
	return ret;
}

static int do_kept_pwrite(struct ctl *c)
{
	return kept_pwrite(arg(c, 0), arg(c, 1));
}

static int do_kept_reopen(struct ctl *c)
{
	(void)c;
	return kept_reopen();
}

static int do_kept_irq(struct ctl *c)
{
	(void)c;
	return kept_irq();
}

static int do_kept_stat(struct ctl *c)
{
	return kept_stat(c->text, sizeof(c->text));
}

static int do_onread(struct ctl *c)
{
	pthread_mutex_lock(&c->dev->lock);
	c->dev->onread_iova = arg(c, 0);
	c->dev->onread = true;
	pthread_mutex_unlock(&c->dev->lock);
	return 0;
}

static int do_onmap(struct ctl *c)
{
	pthread_mutex_lock(&c->dev->lock);
	c->dev->onmap = arg(c, 0);
	c->dev->onmap_result = -ENODATA;
	pthread_mutex_unlock(&c->dev->lock);
	return 0;
}

static int do_endless(struct ctl *c)
{
	c->dev->mig_endless = arg(c, 0);
	return 0;
}

static int do_mig_state(struct ctl *c)
{
	result(c, "%u", c->dev->mig_state);
	return 0;
}

static int do_onmap_value(struct ctl *c)
{
	int ret;

	pthread_mutex_lock(&c->dev->lock);
	ret = c->dev->onmap_result;
	result(c, "0x%" PRIx64, c->dev->onmap_value);
	pthread_mutex_unlock(&c->dev->lock);
	return ret;
}

static int do_die(struct ctl *c)
{
	(void)c;
	_exit(1);
}

static const struct command {
	const char *name;
	unsigned int nr_args;
	int (*run)(struct ctl *c);
	const char *help;
} commands[] = {
	{ "pid", 0, do_pid, "" },
	{ "restore", 0, do_restore, "remove all rules, clear the log" },
	{ "log-clear", 0, do_log_clear, "clear the log of accesses" },
	{ "log-stop", 0, do_log_stop, "stop logging" },
	{ "log-count", 0, do_log_count, "number of accesses in the log" },
	{ "log-get", 1, do_log_get, "NR: dir region offset size value" },
	{ "count", 1, do_count, "CMD: number of commands received" },
	{ "wait", 2, do_wait, "CMD NR: wait until NR were received" },
	{ "hold", 1, do_hold, "CMD: hold its replies" },
	{ "held", 1, do_held, "NR: wait until NR replies are held" },
	{ "release", 0, do_release, "send the held replies" },
	{ "fail", 3, do_fail, "CMD ERRNO NR: refuse the next NR" },
	{ "corrupt", 2, do_corrupt, "CMD KIND: corrupt the next reply" },
	{ "strip-fds", 1, do_strip_fds,
	  "0|1: remove the fd from each DMA_MAP" },
	{ "answer-posted", 1, do_answer_posted,
	  "0|1: reply to posted writes, too; errors are typed as commands" },
	{ "raw", 1, do_raw, "HEX: send these bytes to the client" },
	{ "raw-wait", 0, do_raw_wait, "error of the reply to an ID >= 0xff00" },
	{ "peek", 3, do_peek, "REGION OFFSET SIZE" },
	{ "poke", 4, do_poke, "REGION OFFSET SIZE VALUE" },
	{ "irq", 2, do_irq, "INDEX VECTOR: trigger; CLOCK_MONOTONIC in ns" },
	{ "raise", 1, do_raise,
	  "VECTOR: trigger what is enabled in configuration space; its name" },
	{ "irq-enabled", 2, do_irq_enabled,
	  "INDEX VECTOR: 1 if it has an eventfd" },
	{ "doorbell", 2, do_doorbell, "NR MS: wait for it and read its count" },
	{ "last-write", 0, do_last_write,
	  "message ID of the last posted write" },
	{ "dma-count", 0, do_dma_count, "number of dma regions" },
	{ "dma-find", 1, do_dma_find, "IOVA: start size prot mapped" },
	{ "dma-read", 2, do_dma_read, "IOVA LEN: the bytes in hex" },
	{ "dma-write", 2, do_dma_write, "IOVA HEX" },
	{ "dma-fill", 3, do_dma_fill, "IOVA LEN BYTE" },
	{ "dma-sum", 2, do_dma_sum, "IOVA LEN: sum of byte * (position + 1)" },
	{ "dma-copy", 3, do_dma_copy, "TO FROM LEN" },
	{ "dma-move", 3, do_dma_move,
	  "TO FROM LEN: copy, each buffer within one dma region" },
	{ "dma-stream", 2, do_dma_stream, "IOVA LEN: nanoseconds to read it" },
	{ "dma-ptr", 1, do_dma_ptr,
	  "IOVA: address of its mapping in the server" },
	{ "keep", 1, do_keep, "0|1: keep the fds of DMA_MAP and SET_IRQS" },
	{ "kept-map", 1, do_kept_map,
	  "0|1: map the kept fd, 1 for writing too" },
	{ "kept-peek", 1, do_kept_peek, "OFFSET: 8 bytes of the mapping" },
	{ "kept-poke", 2, do_kept_poke, "OFFSET VALUE" },
	{ "kept-pread", 1, do_kept_pread, "OFFSET: 8 bytes of the file" },
	{ "kept-pwrite", 2, do_kept_pwrite, "OFFSET VALUE" },
	{ "kept-reopen", 0, do_kept_reopen,
	  "open the kept file again for writing" },
	{ "kept-irq", 0, do_kept_irq, "signal the kept interrupt" },
	{ "kept-stat", 0, do_kept_stat,
	  "offset size st_size st_blksize st_ino" },
	{ "onread", 1, do_onread,
	  "IOVA: a read of register 0x10 first reads IOVA" },
	{ "onmap", 1, do_onmap, "0|1: read a new mapping before the reply" },
	{ "onmap-value", 0, do_onmap_value, "value and result of that read" },
	{ "endless", 1, do_endless, "0|1: the state that migrates has no end" },
	{ "mig-state", 0, do_mig_state,
	  "state of migration that the device changed to last" },
	{ "die", 0, do_die, "exit at once" },
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

void control_help(void)
{
	unsigned int i;

	for (i = 0; i < NR_COMMANDS; i++)
		printf("  %-12s %s\n", commands[i].name, commands[i].help);
}

static int run(struct ctl *c, char *line)
{
	const char *name = strtok(line, " \n");
	unsigned int i, n = 0;
	char *word;

	c->text[0] = '\0';
	while (n < MAX_ARGS && (word = strtok(NULL, " \n")))
		c->args[n++] = word;
	for (i = 0; name && i < NR_COMMANDS; i++) {
		if (!strcmp(commands[i].name, name))
			return commands[i].nr_args == n ? commands[i].run(c) :
							  -EINVAL;
	}
	return -ENOSYS;
}

void control_serve(int fd, struct device *dev, struct wire *wire)
{
	struct ctl *c = calloc(1, sizeof(*c));
	char *line = malloc(TESTDEV_CTL_MAX + 1);
	char *out = malloc(TESTDEV_CTL_MAX + 16);
	ssize_t len;
	int ret;

	if (!c || !line || !out)
		abort();
	c->dev = dev;
	c->wire = wire;
	while ((len = recv(fd, line, TESTDEV_CTL_MAX, 0)) > 0) {
		line[len] = '\0';
		ret = run(c, line);
		len = sprintf(out, "%d %s", ret, c->text);
		if (send(fd, out, len, MSG_NOSIGNAL) != len)
			break;
	}
	free(c);
	free(line);
	free(out);
}
