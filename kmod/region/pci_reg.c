// SPDX-License-Identifier: GPL-2.0
/* Accesses of the kernel itself to configuration space. */
#include <linux/device.h>

#include "region/pci_reg.h"
#include "region/pci_state.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/conn.h"

/* Accesses to configuration space ------------------------------------------ */

/**
 * vuser_pci_reg_read() - read a register of configuration space
 * @pci: the PCI functions of an open device
 * @pos: offset, bytes
 * @val: set to the value
 * @size: 1, 2 or 4 bytes
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_cmd_region_read(), but -ENOTCONN in place of -ENOLINK.
 */
int vuser_pci_reg_read(struct vuser_pci *pci, u32 pos, u32 *val, u32 size)
{
	__le32 data = 0;
	int ret;

	ret = vuser_cmd_region_read(pci->conn->chan, VFIO_PCI_CONFIG_REGION_INDEX, pos,
				    &data, size);
	*val = le32_to_cpu(data);
	return ret == -ENOLINK ? -ENOTCONN : ret;
}

/**
 * vuser_pci_reg_write_until() - write a register of configuration space
 * @pci: the PCI functions of an open device
 * @pos: offset, bytes
 * @val: the value
 * @size: 1, 2 or 4 bytes
 * @deadline: when to stop waiting for the server
 * @killable: a fatal signal ends the wait
 *
 * Context: process; waits for the server.
 * Return: as vuser_cmd_region_write_until().
 */
int vuser_pci_reg_write_until(struct vuser_pci *pci, u32 pos, u32 val, u32 size,
			      ktime_t deadline, bool killable)
{
	__le32 data = cpu_to_le32(val);

	return vuser_cmd_region_write_until(pci->conn->chan,
					    VFIO_PCI_CONFIG_REGION_INDEX, pos,
					    &data, size, deadline, killable);
}

/**
 * vuser_pci_reg_write() - write a register of configuration space
 * @pci: the PCI functions of an open device
 * @pos: offset, bytes
 * @val: the value
 * @size: 1, 2 or 4 bytes
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_cmd_region_write_until().
 */
int vuser_pci_reg_write(struct vuser_pci *pci, u32 pos, u32 val, u32 size)
{
	return vuser_pci_reg_write_until(pci, pos, val, size,
					 vuser_channel_deadline(pci->conn->chan), true);
}

/**
 * vuser_pci_reg_result() - judge the result of a write that the kernel made on its own
 * @pci: the PCI functions of an open device
 * @ret: the result of the write
 * @pos: offset of the register, or of the capability to which it belongs
 *
 * A server may refuse such a write.  The first time after attach, this logs a line.
 *
 * Context: process.
 * Return: 0, also if the server refused the write; -EINTR when killed; -ENOTCONN when
 * the server is lost; -ENOMEM.
 */
int vuser_pci_reg_result(struct vuser_pci *pci, int ret, u32 pos)
{
	if (!ret || ret == -EINTR || ret == -ENOTCONN || ret == -ENOMEM)
		return ret;
	if (vuser_channel_lost(pci->conn->chan))
		return -ENOTCONN;
	if (!pci->warned)
		dev_notice(pci->conn->dev,
			   "the server refused to set up the device (register %#x); the device is used as it is\n",
			   pos);
	pci->warned = true;
	return 0;
}

/**
 * vuser_pci_reg_put() - write a register on behalf of the kernel
 * @pci: the PCI functions of an open device
 * @pos: offset, bytes
 * @val: the value
 * @size: 1, 2 or 4 bytes
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_pci_reg_result().
 */
int vuser_pci_reg_put(struct vuser_pci *pci, u32 pos, u32 val, u32 size)
{
	return vuser_pci_reg_result(pci, vuser_pci_reg_write(pci, pos, val, size), pos);
}

/* The command register ----------------------------------------------------- */

/**
 * vuser_pci_reg_command() - the command register as the device has it
 * @pci: the PCI functions of an open device
 *
 * The device sends INTx only while the consumer has enabled INTx with SET_IRQS.
 *
 * Context: any; the lock of @pci is held.
 * Return: the value.
 */
u16 vuser_pci_reg_command(const struct vuser_pci *pci)
{
	u16 command = pci->command;

	if (!(pci->irqs & VUSER_PCI_INTX))
		command |= PCI_COMMAND_INTX_DISABLE;
	return command;
}

/**
 * vuser_pci_reg_put_command() - write the command register
 * @pci: the PCI functions of an open device; the lock is held
 *
 * Context: process; waits killably for the server.
 * Return: as vuser_pci_reg_result().
 */
int vuser_pci_reg_put_command(struct vuser_pci *pci)
{
	return vuser_pci_reg_put(pci, PCI_COMMAND, vuser_pci_reg_command(pci), 2);
}
