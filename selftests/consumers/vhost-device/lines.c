// SPDX-License-Identifier: GPL-2.0
/*
 * In User-Mode Linux: use the lines of a GPIO chip. outside.py is at their other side.
 *
 * usage: lines CHIP READY ONE ZERO HIGH LOW EDGE
 *   CHIP	the chip's device node
 *   READY	a file that we make when outside.py must look at the lines, and change one
 *   ONE, ZERO	the numbers of lines that we set to 1 and 0
 *   HIGH, LOW	lines that we read: they must be 1 and 0
 *   EDGE	a line that outside.py changes from 0 to 1
 */
#include <err.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Request a line; return a file descriptor for it. An output is 1. */
static int request(int chip, int number, __u64 flags)
{
	struct gpio_v2_line_request request = {
		.offsets = { number },
		.consumer = "inside",
		.num_lines = 1,
		.config.flags = flags,
	};

	if (flags & GPIO_V2_LINE_FLAG_OUTPUT) {
		request.config.num_attrs = 1;
		request.config.attrs[0].attr.id =
			GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES;
		request.config.attrs[0].attr.values = 1;
		request.config.attrs[0].mask = 1;
	}
	if (ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request))
		err(1, "request line %d with flags %#llx", number, flags);
	return request.fd;
}

static void expect_value(int chip, int number, unsigned int wanted)
{
	int line = request(chip, number, GPIO_V2_LINE_FLAG_INPUT);
	struct gpio_v2_line_values values = { .mask = 1 };

	if (ioctl(line, GPIO_V2_LINE_GET_VALUES_IOCTL, &values))
		err(1, "read line %d", number);
	if ((values.bits & 1) != wanted)
		errx(1, "line %d is not %u", number, wanted);
	close(line);
}

/* Set an output to 0. */
static void clear(int line)
{
	struct gpio_v2_line_values values = { .mask = 1 };

	if (ioctl(line, GPIO_V2_LINE_SET_VALUES_IOCTL, &values))
		err(1, "set a line to 0");
}

static void touch(const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (file < 0)
		err(1, "%s", path);
	close(file);
}

static void expect_rising_edge(int line, unsigned int number)
{
	struct gpio_v2_line_event event;

	if (read(line, &event, sizeof(event)) != sizeof(event))
		err(1, "wait for line %u", number);
	if (event.id != GPIO_V2_LINE_EVENT_RISING_EDGE ||
	    event.offset != number)
		errx(1, "got event %u of line %u", event.id, event.offset);
}

int main(int argc, char **argv)
{
	int chip, input;

	if (argc != 8)
		errx(2, "usage: lines CHIP READY ONE ZERO HIGH LOW EDGE");
	chip = open(argv[1], O_RDONLY);
	if (chip < 0)
		err(1, "%s", argv[1]);
	request(chip, atoi(argv[3]), GPIO_V2_LINE_FLAG_OUTPUT);
	clear(request(chip, atoi(argv[4]), GPIO_V2_LINE_FLAG_OUTPUT));
	expect_value(chip, atoi(argv[5]), 1);
	expect_value(chip, atoi(argv[6]), 0);
	input = request(chip, atoi(argv[7]),
			GPIO_V2_LINE_FLAG_INPUT |
				GPIO_V2_LINE_FLAG_EDGE_RISING);
	touch(argv[2]);
	expect_rising_edge(input, atoi(argv[7]));
}
