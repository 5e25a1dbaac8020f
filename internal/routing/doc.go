// Package routing decides, for one request, which route it belongs to and
// which side of that route serves it.
//
// A Table is compiled from definitions and never changed afterwards; a new
// revision is a new Table. Match and Assign allocate nothing and do no I/O.
// The package knows no HTTP library: it is given a method, a host, a path and
// a way to look headers up.
package routing
