// Package certs reads certificates, keys and authorities from files, and reads
// them again when the files change: a renewed certificate is in use from the
// next handshake on, and no connection is closed for it.
//
// Files are looked at when a handshake needs them, which costs a stat each. So
// there is nothing to start, to stop or to wait for. A file that was replaced
// by something unusable changes nothing: what was read last stays in use, and
// the log says so once.
package certs
