// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "exit-status.h"

int exit_status(int error)
{
	switch (-error) {
	case 0:
		return EX_OK;
	case EINVAL:
	case ERANGE:
	case ENAMETOOLONG:
		return EX_USAGE;
	case ENODEV:
	case ENXIO:
		return EX_NOINPUT;
	case ENOENT:
	case ECONNREFUSED:
		return EX_UNAVAILABLE;
	case EEXIST:
	case EADDRINUSE:
		return EX_CANTCREAT;
	case EIO:
	case EPIPE:
	case ENOSPC:
		return EX_IOERR;
	case EAGAIN:
	case EBUSY:
	case ETIMEDOUT:
		return EX_TEMPFAIL;
	case EPROTO:
	case EBADMSG:
	case ECONNRESET:
	case EOPNOTSUPP:
		return EX_PROTOCOL;
	case EACCES:
	case EPERM:
		return EX_NOPERM;
	default:
		return EX_OSERR;
	}
}
