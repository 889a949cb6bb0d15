"""What has become of each row? A record on disk that outlives the process."""
