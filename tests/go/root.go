package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"

	"golang.org/x/mod/sumdb/tlog"
)

// rootIs builds the tree of these entries and compares its root, in hex.
func rootIs(entries []string, expect json.RawMessage) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := []tlog.Hash{}
		for _, index := range indexes {
			hashes = append(hashes, stored[index])
		}
		return hashes, nil
	})
	for place, entry := range entries {
		hashes, err := tlog.StoredHashes(int64(place), []byte(entry), reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
	}
	root, err := tlog.TreeHash(int64(len(entries)), reader)
	if err != nil {
		return err
	}
	var text string
	if err := json.Unmarshal(expect, &text); err != nil || text != hex.EncodeToString(root[:]) {
		return errors.New("another root")
	}
	return nil
}
