// Package stats brings what each router served to the store, so that the fleet
// can say how much new has served of a route, and how busy each router is.
//
// Counting is the data plane's: an atomic addition for each exchange. What
// piled up is written every few seconds, as additions to minutes.
package stats
