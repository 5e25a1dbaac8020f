// Package fleet keeps one router in step with the store and with its peers: it
// watches for new revisions, hands each to the data plane, keeps the last good
// one on disk, and tells the others which revision it serves.
package fleet
