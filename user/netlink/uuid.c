// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "uuid.h"

void vnl_uuid_format(const uint8_t uuid[VUSER_UUID_LEN], char text[37])
{
	char *pos = text;
	int i;

	for (i = 0; i < VUSER_UUID_LEN; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*pos++ = '-';
		pos += sprintf(pos, "%02x", uuid[i]);
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int vnl_uuid_parse(const char *text, uint8_t uuid[VUSER_UUID_LEN])
{
	int i, high, low;

	for (i = 0; i < VUSER_UUID_LEN; i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return -EINVAL;
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return -EINVAL;
		uuid[i] = high << 4 | low;
		text += 2;
	}
	return *text ? -EINVAL : 0;
}
