// Package guard protects one side of one route, a lane, from a backend that
// fails, and the backend from the lane. It knows error classes, not HTTP: the
// exchange maps statuses and transport errors to classes. Nothing in it does
// I/O or keeps a timer, save the wait for a bulkhead; time and randomness are
// handed in.
//
// The order of one exchange, outermost first:
//
//	backend Bulkhead        Acquire … Release; shared by the backend's lanes
//	└─ lane Bulkhead        Acquire … Release; streams change to the Streams bulkhead with their head
//	   └─ retry loop        RetryBudget.Request once; then for each try:
//	      ├─ Breaker.Allow  no ticket: no try, no retry
//	      ├─ Picker.Pick    an endpoint
//	      ├─ Faults.Decide  inside the guard, so that breaker and fallback take it for real
//	      ├─ attempt        with Timeouts
//	      ├─ Picker.Done, Ticket.Report; Ticket.Broke if the body breaks later
//	      └─ again?         RetryPolicy.Allows, Wait, RetryBudget.Reserve; wait; Spend or Return
//
// What is still without an answer then may cross from new to legacy:
// FallbackOn.Allows, release both permits of new, FallbackBudget.Take, and the
// same order again in legacy's lane. After each wait, in a queue or in a
// back-off, the caller looks at the routing table again: a route that was rolled
// back meanwhile is not tried on new.
//
// A Policy is everything in force for one lane. The parts know nothing of each
// other. Each belongs to one lane, but the backend's Bulkhead and Picker and
// the FallbackBudget, which belong to one backend. On the happy path none
// takes a lock and none allocates, but a window once in a tenth of its length.
package guard
