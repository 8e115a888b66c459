/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The list of container subsystems. It is included several times, each time
 * with SUBSYS() defined to what the includer makes of a subsystem's name: an
 * enumerator, a declaration, an entry of a table. The place in this list is
 * the subsystem's id, so there is no include guard and the order is ABI
 * nowhere but in the rows of /proc/containers.
 */

#ifdef CONFIG_CPUSETS_CONTAINER
SUBSYS(cpuset)
#endif

#ifdef CONFIG_CONTAINER_CPUACCT
SUBSYS(cpuacct)
#endif

#ifdef CONFIG_CONTAINER_NUMTASKS
SUBSYS(numtasks)
#endif

#ifdef CONFIG_CONTAINER_BC
SUBSYS(bc)
#endif

#ifdef CONFIG_CONTAINER_NS
SUBSYS(ns)
#endif

#ifdef CONFIG_SAMPLE_CONTAINER
SUBSYS(sample)
#endif
