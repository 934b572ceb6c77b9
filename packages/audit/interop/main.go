// Judges a Postern checkpoint, its entries and proofs with the libraries that verify Go's own module log.
// It shares no code with Postern. Reads one JSON document on standard input; prints "ok" or the first thing that fails.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type claims struct {
	VerifierKey string
	Note        string
	// Bytes of the log's entries, in order.
	Entries [][]byte
	// Inclusion proof of each entry.
	Inclusion [][]tlog.Hash
	// Consistency proof from each smaller size, 1 upward, and the root at that size.
	Consistency [][]tlog.Hash
	Roots       []tlog.Hash
}

func main() {
	if err := judge(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ok")
}

func judge() error {
	var c claims
	if err := json.NewDecoder(os.Stdin).Decode(&c); err != nil {
		return err
	}
	verifier, err := note.NewVerifier(c.VerifierKey)
	if err != nil {
		return fmt.Errorf("verifier key: %w", err)
	}
	opened, err := note.Open([]byte(c.Note), note.VerifierList(verifier))
	if err != nil {
		return fmt.Errorf("note: %w", err)
	}
	var origin, rootText string
	var size int64
	if _, err := fmt.Sscanf(opened.Text, "%s\n%d\n%s\n", &origin, &size, &rootText); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	root, err := tlog.ParseHash(rootText)
	if err != nil {
		return fmt.Errorf("root hash: %w", err)
	}
	if origin != verifier.Name() || size != int64(len(c.Entries)) {
		return fmt.Errorf("the checkpoint is of %s and has %d entries", origin, size)
	}
	for i, entry := range c.Entries {
		if err := tlog.CheckRecord(c.Inclusion[i], size, root, int64(i), tlog.RecordHash(entry)); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	for i, old := range c.Roots {
		if err := tlog.CheckTree(c.Consistency[i], size, root, int64(i+1), old); err != nil {
			return fmt.Errorf("consistency from %d: %w", i+1, err)
		}
	}
	return nil
}
