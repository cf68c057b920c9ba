"""The Lambda code: `handlers` holds one file per Lambda, the other rooms what they share."""
