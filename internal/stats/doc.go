// Package stats brings what each router served to the store, so that the fleet
// can say how much new has served of a route, and how busy each router is.
//
// Counting is the data plane's: an atomic addition for each exchange. What
// piled up is written every few seconds, as additions to minutes.
//
// A Recorder sees more of a lane: what became of its requests, how long they took,
// and of how many different keys they were in each minute. What it drains are
// Windows, which add up over time and over routers in any order. A Board has the
// Recorders of all lanes, apart for each step of a route, and a WindowFlusher writes
// what they drain.
package stats
