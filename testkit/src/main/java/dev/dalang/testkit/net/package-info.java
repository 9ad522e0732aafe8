/**
 * The guest's side of a network: a small IP stack that sends and takes Ethernet frames. It speaks
 * ARP, neighbour discovery, DHCP, ICMP echo, UDP and TCP, over IPv4 and IPv6, and can be told to
 * lose, repeat and reorder frames, and to behave badly.
 */
package dev.dalang.testkit.net;
