"""What does each call answer?"""
