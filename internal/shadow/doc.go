// Package shadow asks the other side of a route as well, and compares the two
// answers. The answer that the client gets never waits for it.
package shadow
