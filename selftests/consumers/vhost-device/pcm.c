// SPDX-License-Identifier: GPL-2.0
/*
 * In User-Mode Linux: play or record sound, 8000 samples of 16 bits a second, by ALSA's device
 * nodes.
 *
 * A stream never stops because a buffer is empty or full: then both sides wait.  So it does
 * not matter how slow they are, and no sample is lost.
 *
 * usage: pcm play NODE FILE		play a file
 *        pcm record NODE FILE BYTES	record into a file
 *   BYTES	a multiple of 1024
 */
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sound/asound.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define RATE 8000
/* A period in samples, and the number of periods in the buffer. */
#define PERIOD	512
#define PERIODS 4
#define BYTES	(PERIOD * sizeof(short))

/* Allow one value of a mask. */
static void mask(struct snd_pcm_hw_params *params, int which,
		 unsigned int value)
{
	struct snd_mask *mask =
		&params->masks[which - SNDRV_PCM_HW_PARAM_FIRST_MASK];

	memset(mask, 0, sizeof(*mask));
	mask->bits[value / 32] = 1U << value % 32;
}

/* Allow one value of an interval. */
static void interval(struct snd_pcm_hw_params *params, int which,
		     unsigned int value)
{
	params->intervals[which - SNDRV_PCM_HW_PARAM_FIRST_INTERVAL] =
		(struct snd_interval) { .min = value,
					.max = value,
					.integer = 1 };
}

static void set_hardware(int pcm)
{
	struct snd_pcm_hw_params params = { .rmask = UINT_MAX };
	unsigned int i;

	memset(params.masks, 0xff, sizeof(params.masks));
	for (i = 0; i < sizeof(params.intervals) / sizeof(params.intervals[0]);
	     i++)
		params.intervals[i].max = UINT_MAX;
	mask(&params, SNDRV_PCM_HW_PARAM_ACCESS,
	     SNDRV_PCM_ACCESS_RW_INTERLEAVED);
	mask(&params, SNDRV_PCM_HW_PARAM_FORMAT, SNDRV_PCM_FORMAT_S16_LE);
	mask(&params, SNDRV_PCM_HW_PARAM_SUBFORMAT, SNDRV_PCM_SUBFORMAT_STD);
	interval(&params, SNDRV_PCM_HW_PARAM_CHANNELS, 1);
	interval(&params, SNDRV_PCM_HW_PARAM_RATE, RATE);
	interval(&params, SNDRV_PCM_HW_PARAM_PERIOD_SIZE, PERIOD);
	interval(&params, SNDRV_PCM_HW_PARAM_PERIODS, PERIODS);
	if (ioctl(pcm, SNDRV_PCM_IOCTL_HW_PARAMS, &params))
		err(1, "SNDRV_PCM_IOCTL_HW_PARAMS");
}

/* poll() reports the stream when @avail_min samples can be transferred. It never stops. */
static void set_software(int pcm, unsigned int avail_min)
{
	struct snd_pcm_sw_params params = {
		.period_step = 1,
		.avail_min = avail_min,
		.start_threshold = 1,
		.stop_threshold = LONG_MAX,
	};

	if (ioctl(pcm, SNDRV_PCM_IOCTL_SW_PARAMS, &params))
		err(1, "SNDRV_PCM_IOCTL_SW_PARAMS");
}

/* A transfer that blocks fails after 10 s; poll() does not. */
static int open_pcm(const char *node, unsigned int avail_min)
{
	int pcm = open(node, O_RDWR | O_NONBLOCK);

	if (pcm < 0)
		err(1, "%s", node);
	set_hardware(pcm);
	set_software(pcm, avail_min);
	if (ioctl(pcm, SNDRV_PCM_IOCTL_PREPARE))
		err(1, "SNDRV_PCM_IOCTL_PREPARE");
	return pcm;
}

static void wait_for(int pcm, short event)
{
	struct pollfd pollfd = { .fd = pcm, .events = event };

	if (poll(&pollfd, 1, -1) != 1 || pollfd.revents != event)
		errx(1, "poll: events %#x", pollfd.revents);
}

/* Write or read a period. */
static void transfer(int pcm, unsigned long request, void *buffer)
{
	struct snd_xferi xfer = { .buf = buffer, .frames = PERIOD };

	if (ioctl(pcm, request, &xfer))
		err(1, "transfer");
	if (xfer.result != PERIOD)
		errx(1, "%ld of %d samples", (long)xfer.result, PERIOD);
}

/*
 * Play a file; return when the device has played all of it.  A period is written when nothing
 * else is played: virtio_snd does not notice when the device plays a full buffer at once.  The
 * back end keeps the last samples in its sound card, until it opens the card again for the
 * next stream.
 */
static void play(const char *node, const char *path)
{
	int file = open(path, O_RDONLY);
	int pcm = open_pcm(node, PERIODS * PERIOD);
	char buffer[BYTES];

	if (file < 0)
		err(1, "%s", path);
	while (read(file, buffer, sizeof(buffer)) == sizeof(buffer)) {
		wait_for(pcm, POLLOUT);
		transfer(pcm, SNDRV_PCM_IOCTL_WRITEI_FRAMES, buffer);
	}
	wait_for(pcm, POLLOUT);
	close(pcm);
	open_pcm(node, PERIOD);
}

/* Record into a file.  The other side waits for each period in the file: see outside.py. */
static void record(const char *node, const char *path, size_t count)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int pcm = open_pcm(node, PERIOD);
	char buffer[BYTES];

	if (file < 0)
		err(1, "%s", path);
	if (ioctl(pcm, SNDRV_PCM_IOCTL_START))
		err(1, "SNDRV_PCM_IOCTL_START");
	for (; count; count -= sizeof(buffer)) {
		wait_for(pcm, POLLIN);
		transfer(pcm, SNDRV_PCM_IOCTL_READI_FRAMES, buffer);
		if (write(file, buffer, sizeof(buffer)) != sizeof(buffer))
			err(1, "%s", path);
	}
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "play"))
		play(argv[2], argv[3]);
	else if (argc == 5 && !strcmp(argv[1], "record") &&
		 strtoul(argv[4], NULL, 10) % BYTES == 0)
		record(argv[2], argv[3], strtoul(argv[4], NULL, 10));
	else
		errx(2,
		     "usage: pcm play NODE FILE | pcm record NODE FILE BYTES");
}
