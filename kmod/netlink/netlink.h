/* SPDX-License-Identifier: GPL-2.0 */
/* Starts and stops the control plane: generic netlink family "vuser". */
#ifndef VUSER_NETLINK_H
#define VUSER_NETLINK_H

int vuser_netlink_init(void);
void vuser_netlink_exit(void);

#endif /* VUSER_NETLINK_H */
