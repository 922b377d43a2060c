"""The second process: what patients and Twilio reach over HTTP."""
