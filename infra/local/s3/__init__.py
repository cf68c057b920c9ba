"""Amazon S3: corrects moto where bucket policies, event notifications or conditional writes differ from AWS."""
