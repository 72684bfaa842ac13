// SPDX-License-Identifier: GPL-2.0
/* vuserctl exec: run a program with a view of /sys/bus/pci/devices. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "tree.h"
#include "view.h"

/* Exit statuses for a command that cannot be run, as in shells. */
#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND	127

/*
 * Programs look for the directory of vfio-pci, and the links in the view lead
 * to it.
 */
static int load_vfio_pci(void)
{
	struct stat st;
	int status = 0;
	pid_t pid;

	if (!stat(TREE_VFIO_PCI, &st))
		return 0;
	pid = fork();
	if (pid < 0)
		return ctl_fail(EX_OSERR, "cannot run modprobe: %s",
				strerror(errno));
	if (!pid) {
		execlp("modprobe", "modprobe", "-q", "vfio-pci", NULL);
		_exit(EXIT_NOT_FOUND);
	}
	if (waitpid(pid, &status, 0) < 0 || stat(TREE_VFIO_PCI, &st))
		return ctl_fail(
			EX_UNAVAILABLE,
			"cannot load the module vfio-pci: run modprobe vfio-pci to see why");
	return 0;
}

static int own_mounts(void)
{
	if (unshare(CLONE_NEWNS))
		return ctl_fail(
			exit_status(-errno),
			errno == EPERM ?
				"cannot create a mount namespace: permission denied, run vuserctl as root" :
				"cannot create a mount namespace: %s",
			strerror(errno));
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return ctl_fail(EX_OSERR, "cannot make mounts private: %s",
				strerror(errno));
	return 0;
}

/**
 * struct fill - the devices to put into the view
 * @ids: numbers of all devices
 * @nr: entries of @ids
 */
struct fill {
	uint32_t *ids;
	size_t nr;
};

static int collect(void *data, const struct vnl_dev *dev)
{
	struct fill *fill = data;
	uint32_t *grown;

	grown = reallocarray(fill->ids, fill->nr + 1, sizeof(*grown));
	if (!grown)
		return 1;
	fill->ids = grown;
	fill->ids[fill->nr++] = dev->id;
	return 0;
}

static int add_device(struct ctl *ctl, struct tree *tree, uint32_t id)
{
	struct vnl_dev dev;
	int ret;

	ret = vnl_dev_get(&ctl->nl, id, &dev);
	if (ret == -ENODEV)
		return 0;
	if (ret)
		return ctl_fail(exit_status(ret), "device %u: %s", id,
				vnl_sock_error(&ctl->nl, ret));
	if (!view_possible(&dev)) {
		ctl_say("%s is not shown, because its state is %s: see vuserctl show %s",
			dev.uuid, vnl_name_state(dev.state), dev.uuid);
		return 0;
	}
	ret = tree_add(tree, &dev);
	if (ret)
		return ctl_fail(exit_status(ret), "cannot show %s as %s: %s",
				dev.uuid, dev.pci_address, strerror(-ret));
	return 0;
}

static int add_devices(struct ctl *ctl, struct tree *tree)
{
	struct fill fill = {};
	int ret, status = 0;
	size_t i;

	ret = vnl_dev_dump(&ctl->nl, collect, &fill);
	if (ret)
		status = ctl_fail(exit_status(ret),
				  "cannot list the devices: %s",
				  vnl_sock_error(&ctl->nl, ret));
	for (i = 0; i < fill.nr && !status; i++)
		status = add_device(ctl, tree, fill.ids[i]);
	free(fill.ids);
	return status;
}

static int make_view(struct ctl *ctl)
{
	struct tree *tree;
	int ret, status;
	mode_t mask;

	ret = tree_open(&tree);
	if (ret)
		return ctl_fail(exit_status(ret),
				"cannot mount the view at " TREE_PCI_DEVICES
				": %s",
				strerror(-ret));
	/*
	 * Let all users read the view, like sysfs: the program may change its
	 * user.
	 */
	mask = umask(022);
	status = add_devices(ctl, tree);
	umask(mask);
	ret = tree_seal(tree);
	if (ret && !status)
		status = ctl_fail(exit_status(ret),
				  "cannot make the view read-only: %s",
				  strerror(-ret));
	return status;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	char **cmd = argv + 1;
	int error, status;

	if (argc > 1 && !strcmp(*cmd, "--"))
		cmd++;
	if (!*cmd || (cmd == argv + 1 && **cmd == '-'))
		return ctl_usage(&cmd_exec);
	status = ctl_connect(ctl);
	if (!status)
		status = load_vfio_pci();
	if (!status)
		status = own_mounts();
	if (!status)
		status = make_view(ctl);
	if (status)
		return status;
	/* DPDK reads the directory from this variable. */
	if (setenv("SYSFS_PCI_DEVICES", TREE_PCI_DEVICES, 1))
		return ctl_fail(EX_OSERR, "out of memory");
	vnl_sock_close(&ctl->nl);
	ctl->connected = false;
	execvp(*cmd, cmd);
	error = errno;
	ctl_say("cannot run %s: %s", *cmd, strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

const struct command cmd_exec = {
	.name = "exec",
	.operands = "[--] COMMAND [ARGUMENT...]",
	.operand = CTL_PROGRAM,
	.what = "run a program that finds the devices in /sys/bus/pci/devices",
	.run = run,
};
