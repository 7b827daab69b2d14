"""What the articles claim, held against arithmetic and a brand's own tables; the door is `evidence_register`."""
